"""One question to one part, answered within two seconds or counted as not answered."""

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from common.clock import utc_now
from common.http.client import HttpClient
from common.http.outcomes import OutboundError, Timeouts
from common.logs import get_logger
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy.exc import SQLAlchemyError

from proxy.models import CheckState, Measure

log = get_logger(__name__)

#: A part that takes longer does not answer.
LIMIT_S = 2.0
#: A worker that touched its file longer ago stands still.
WORKER_SILENT_S = 10.0
#: From these values on something is not well, whatever rules say; of days: below.
LIMITS = {
    Measure.QUEUE_AGE: 120.0,
    Measure.DISK: 90.0,
    Measure.CLOCK: 2.0,
    Measure.OUTBOX_UNKNOWN: 1.0,
    Measure.CERTIFICATE: 14.0,
}
#: What services tell of their queues, and notification of its messages.
_OLDEST, _UNKNOWN = "kiungo_backlog_oldest_seconds", "kiungo_notification_unknown_messages"
_CLIENT = HttpClient(Timeouts(connect_s=0.5, read_s=1.2), pool_size=16)


@dataclass(frozen=True)
class Finding:
    """How a part was found; `value` in the measure's unit."""

    measure: Measure
    subject: str
    state: CheckState
    value: float | None = None
    detail: str = ""


Probe = Callable[[], list[Finding]]


def ask_all(
    executor: Executor, probes: Mapping[tuple[Measure, str], Probe], limit_s: float = LIMIT_S
) -> list[Finding]:
    """What all probes find, at once; one that is late, or breaks, finds that nobody answers."""
    deadline = time.monotonic() + limit_s
    asked = {key: executor.submit(probe) for key, probe in probes.items()}
    found: list[Finding] = []
    for key, answer in asked.items():
        try:
            found += answer.result(max(0.0, deadline - time.monotonic()))
        except NotInTime:
            answer.cancel()
            found.append(failing(*key, f"no answer within {limit_s:g} s"))
        except Exception as exc:
            if not isinstance(exc, (SQLAlchemyError, OSError)):
                log.exception("check_broke", measure=key[0], subject=key[1])
            found.append(failing(*key, f"cannot be asked ({type(exc).__name__})"))
    return found


def failing(measure: Measure, subject: str, detail: str) -> Finding:
    """A part that is not well."""
    return Finding(measure, subject, CheckState.FAILING, None, detail)


def well(measure: Measure, subject: str, detail: str = "answers") -> Finding:
    """A part that is."""
    return Finding(measure, subject, CheckState.WELL, None, detail)


def measured(measure: Measure, subject: str, value: float, detail: str) -> Finding:
    """A part with a value, judged by its limit."""
    limit = LIMITS[measure]
    is_well = value >= limit if measure is Measure.CERTIFICATE else value < limit
    state = CheckState.WELL if is_well else CheckState.FAILING
    return Finding(measure, subject, state, value, detail)


def process(name: str, url: str) -> list[Finding]:
    """A process by its `/readyz`, or a worker by the file that it touches (`file:/…`)."""
    if url.startswith("file:"):
        return [worker(name, Path(urlsplit(url).path), time.time())]
    began = time.time()
    try:
        answer = _CLIENT.request("GET", f"{url}/readyz")
    except OutboundError as exc:
        return [failing(Measure.PROCESS, name, str(exc))]
    if answer.status_code != 200:
        return [failing(Measure.PROCESS, name, f"answers {answer.status_code}: not ready")]
    drift = _drift(answer.headers.get("Date"), began)
    return [well(Measure.PROCESS, name), *([] if drift is None else [clock(name, drift)])]


def starts(name: str, path: Path) -> str:
    """What the supervisor of `make up` says of a process that ended by itself, from its file.

    Empty for one that never did, and where orchestrators supervise.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8"))[name]
        count, last = known["restarts"], known["last_exit"]
        if not count:
            return ""
        times = "once" if count == 1 else f"{count} times"
        said = f"started again {times}, last after {_ending(last['code'])} at {last['at']}"
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    waits_s = known.get("starts_in_s")
    return said if waits_s is None else f"{said}, next start in {waits_s:g} s"


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def worker(name: str, path: Path, now: float) -> Finding:
    """A worker by the file that it touches while it works."""
    try:
        silent_s = now - path.stat().st_mtime
    except OSError:
        return failing(Measure.PROCESS, name, "has not started here")
    if silent_s > WORKER_SILENT_S:
        return failing(Measure.PROCESS, name, f"no sign of life for {silent_s:.0f} s")
    return well(Measure.PROCESS, name, "gives signs of life")


def clock(name: str, drift_s: float) -> Finding:
    """The difference between the clock of `name` and ours."""
    return measured(Measure.CLOCK, name, abs(drift_s), f"{drift_s:+.1f} s from ours")


def _drift(date: str | None, now: float) -> float | None:
    """How far a Date header is from `now`, less the second it is exact to."""
    try:
        seconds = parsedate_to_datetime(date or "").timestamp() + 0.5 - now
    except ValueError:
        return None
    return 0.0 if abs(seconds) <= 1.5 else seconds


def queues(name: str, url: str) -> list[Finding]:
    """The backlog of a service's queues, and how many of its messages have an unknown outcome, as
    its `/metrics` tells: a list of messages would be a view of them, which the audit log keeps.
    """
    try:
        answer = _CLIENT.request("GET", f"{url}/metrics")
    except OutboundError:
        return []  # the process is asked by itself
    return [_of_metric(name, sample) for sample in _samples(answer.text)]


def _of_metric(name: str, sample: Sample) -> Finding:
    if sample.name == _UNKNOWN:
        return unknown_outcomes(name, int(sample.value))
    subject, said = f"{name} {sample.labels['queue']}", f"the oldest waits for {sample.value:.0f} s"
    return measured(Measure.QUEUE_AGE, subject, sample.value, said)


def unknown_outcomes(name: str, count: int) -> Finding:
    """That so many messages of a service have an unknown outcome. Pure."""
    said = "1 message has" if count == 1 else f"{count} messages have"
    return measured(Measure.OUTBOX_UNKNOWN, name, float(count), f"{said} an unknown outcome")


def _samples(text: str) -> Iterator[Sample]:
    lines = [one for one in text.splitlines() if one.startswith((f"{_OLDEST}{{", f"{_UNKNOWN} "))]
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        yield from family.samples


def disk(path: Path) -> list[Finding]:
    """How much of the file system that holds `path` is used, in percent."""
    usage = shutil.disk_usage(path)
    percent = 100.0 * usage.used / max(1, usage.used + usage.free)
    return [measured(Measure.DISK, str(path), percent, f"{percent:.0f} % are used")]


def certificate(name: str, pem: bytes, now: datetime | None = None) -> list[Finding]:
    """For how many days the first certificate of `pem` is still valid."""
    try:
        ends_at = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return [failing(Measure.CERTIFICATE, name, "is no certificate in PEM")]
    days = (ends_at - (now or utc_now())).total_seconds() / 86_400
    said = f"{days:.0f}"
    unit = "day" if said == "1" else "days"
    return [measured(Measure.CERTIFICATE, name, days, f"ends in {said} {unit}")]
