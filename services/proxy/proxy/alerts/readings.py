"""What a rule looks at, as it is at a moment: calls from minute rollups, parts from the checks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.texts import N_, Patterns
from sqlalchemy import func, null, select
from sqlalchemy.orm import Session

from proxy.checks.reading import STALE_AFTER
from proxy.models import (
    About,
    AlertRule,
    Channel,
    CheckState,
    HealthCheck,
    LoginAttempt,
    Measure,
    Mediator,
    MinuteRollup,
)
from proxy.statistics.minute_rollups import KEPT_FOR
from proxy.statistics.rollups import Rollup, decompressed

#: Measures that are counted from calls.
OF_CALLS = (Measure.FAILURE_SHARE, Measure.FAILURES, Measure.LATENCY, Measure.SILENCE)
#: Checks that are judged by the rule's threshold and not by the check itself.
BY_VALUE = (Measure.QUEUE_AGE, Measure.OUTBOX_UNKNOWN, Measure.DISK, Measure.CLOCK)

_REJECTED = N_("%(count)s log-ins were rejected")
_ONE_REJECTED = N_("1 log-in was rejected")
_NO_CALL = N_("no calls in %(seconds)s s")
_ONE_CALL = N_("1 call in %(seconds)s s")
_CALLS = N_("%(count)s calls in %(seconds)s s")
_FAILED = N_("%(failures)s of %(calls)s calls failed")
_NONE_FAILED = N_("0 of %(calls)s calls failed")
_ONE_FAILED = N_("1 of %(calls)s calls failed")
_AGAIN = N_("started again %(count)s times, last after %(ending)s at %(at)s")
_AGAIN_ONCE = N_("started again once, last after %(ending)s at %(at)s")
_AGAIN_SOON = N_(
    "started again %(count)s times, last after %(ending)s at %(at)s, next start in %(seconds)s s"
)
_AGAIN_ONCE_SOON = N_(
    "started again once, last after %(ending)s at %(at)s, next start in %(seconds)s s"
)
_LATENCY = N_("%(percentile)s of 100 calls took up to %(took)s ms")
#: What is said of a subject of which there is nothing to read any more.
NOTHING = N_("nothing is counted any more")
#: The details of readings are stored in English, with the alerts; checks say more of the causes.
#: Of two that may match, the first one is meant.
DETAILS = Patterns(
    (
        _ONE_REJECTED,
        _REJECTED,
        _NO_CALL,
        _ONE_CALL,
        _CALLS,
        _NONE_FAILED,
        _ONE_FAILED,
        _FAILED,
        _AGAIN_ONCE_SOON,
        _AGAIN_SOON,
        _AGAIN_ONCE,
        _AGAIN,
        _LATENCY,
        N_("does not answer (%(reason)s)"),
        N_("cannot be asked (%(reason)s)"),
        N_("cannot be read (%(reason)s)"),
        N_("no answer within %(seconds)s s"),
        N_("no sign of life for %(seconds)s s"),
        N_("answers %(status)s: not ready"),
        N_("the oldest waits for %(seconds)s s"),
        N_("%(percent)s %% are used"),
        N_("ends in %(days)s days"),
        N_("ends in 1 day"),
        N_("%(count)s messages have an unknown outcome"),
        N_("1 message has an unknown outcome"),
        N_("%(seconds)s s from ours"),
        N_("failed (%(reason)s)"),
        N_("failed for %(rules)s"),
        N_("does not answer"),
        N_("its file is not there"),
        N_("is no certificate in PEM"),
        N_("no gateway has written for some time"),
        N_("has not started here"),
        N_("gives signs of life"),
        N_("was done"),
    )
)


@dataclass(frozen=True)
class Reading:
    """How a subject is, and whether the rule's condition holds for it."""

    subject: str
    holds: bool
    value: float | None
    detail: str


@dataclass(frozen=True)
class Minutes:
    """Calls of a span by subject and minute."""

    by_subject: Mapping[str, Mapping[datetime, Rollup]] = field(default_factory=dict)


def minutes(session: Session, rule: AlertRule, since: datetime) -> Minutes:
    """The calls that `rule` is about, from `since` on."""
    row, is_latency = MinuteRollup, rule.measure is Measure.LATENCY
    durations = row.durations if is_latency else null()
    query = select(
        row.minute,
        row.channel_name,
        row.client_name,
        row.calls - row.open_calls,
        row.failures,
        durations,
    ).where(row.minute >= since)
    subject_of = _subjects(session, rule.about)
    found: dict[str, dict[datetime, Rollup]] = defaultdict(lambda: defaultdict(Rollup))
    for minute, channel, client, calls, failures, stored in session.execute(query):
        subject = subject_of(channel, client)
        if subject is None or rule.subject not in ("", subject):
            continue
        some = Rollup(calls, failures)
        if stored is not None:
            some.durations = decompressed(stored)
        found[subject][minute].add(some)
    return Minutes(found)


def _subjects(session: Session, about: About) -> Callable[[str, str], str | None]:
    """Whose a call of a channel and client is."""
    if about is About.CHANNEL:
        return lambda channel, _client: channel or None
    if about is About.CLIENT:
        return lambda _channel, client: client or None
    if about is About.MEDIATOR:
        wanted = select(Channel.name, Mediator.name).join(Mediator)
        names = dict(session.execute(wanted).all())
        return lambda channel, _client: names.get(channel)
    return lambda _channel, _client: ""


def read(session: Session, rule: AlertRule, now: datetime) -> list[Reading] | None:
    """How the rule's subjects are; None: nobody can tell now."""
    window = timedelta(seconds=rule.window_s)
    if rule.measure is Measure.REJECTED_LOG_INS:
        since = LoginAttempt.attempted_at >= now - window
        count = session.scalar(select(func.count()).select_from(LoginAttempt).where(since)) or 0
        said = _ONE_REJECTED if count == 1 else _REJECTED % {"count": count}
        return [_counted(rule, "", float(count), said)]
    if rule.measure not in OF_CALLS:
        return _checked(session, rule, now)
    back = KEPT_FOR if rule.measure is Measure.SILENCE else window
    return of_calls(rule, minutes(session, rule, now - back), now)


def of_calls(rule: AlertRule, found: Minutes, now: datetime) -> list[Reading]:
    """How the subjects of a rule on calls are at `now`. Pure."""
    since = now - timedelta(seconds=rule.window_s)
    named = found.by_subject or ({rule.subject: {}} if rule.subject else {})
    readings = []
    for subject, calls in named.items():
        within = [one for minute, one in calls.items() if since <= minute <= now]
        if rule.measure is Measure.SILENCE:
            readings.append(_silence(rule, subject, within))
        elif within:
            readings.append(_of_window(rule, subject, _sum(within)))
    return readings


def _sum(rollups: Iterable[Rollup]) -> Rollup:
    whole = Rollup()
    for one in rollups:
        whole.add(one)
    return whole


def _silence(rule: AlertRule, subject: str, within: Sequence[Rollup]) -> Reading:
    count = sum(one.calls for one in within)
    words = _CALLS if count > 1 else _ONE_CALL if count else _NO_CALL
    said = words % {"count": count, "seconds": rule.window_s}
    return Reading(subject, not count, float(count), said)


def _of_window(rule: AlertRule, subject: str, calls: Rollup) -> Reading:
    said = _FAILED % {"failures": calls.failures, "calls": calls.calls}
    if rule.measure is Measure.FAILURES:
        return _counted(rule, subject, float(calls.failures), said)
    is_enough = calls.calls >= max(1, rule.least_calls)
    if rule.measure is Measure.LATENCY:
        took = calls.percentile_ms(rule.percentile)
        said = _LATENCY % {"percentile": rule.percentile, "took": f"{took or 0:.0f}"}
        holds = is_enough and took is not None and took >= rule.threshold
        return Reading(subject, holds, took, said)
    share = 100.0 * calls.failures / max(1, calls.calls)
    return Reading(subject, is_enough and share >= rule.threshold, share, said)


def _counted(rule: AlertRule, subject: str, value: float, detail: str) -> Reading:
    return Reading(subject, value >= max(rule.threshold, 1.0), value, detail)


def _checked(session: Session, rule: AlertRule, now: datetime) -> list[Reading] | None:
    wanted = select(HealthCheck).where(
        HealthCheck.measure == rule.measure, HealthCheck.checked_at >= now - STALE_AFTER
    )
    if rule.subject:
        wanted = wanted.where(HealthCheck.subject == rule.subject)
    looked_at = session.scalar(select(func.max(HealthCheck.checked_at)))
    if looked_at is None or looked_at < now - STALE_AFTER:
        return None
    return [
        Reading(one.subject, _is_ill(rule, one), one.value, one.detail)
        for one in session.scalars(wanted)
    ]


def _is_ill(rule: AlertRule, check: HealthCheck) -> bool:
    if check.value is not None and rule.measure in BY_VALUE:
        return check.value >= rule.threshold
    if check.value is not None and rule.measure is Measure.CERTIFICATE:
        return check.value <= rule.threshold
    return check.state is CheckState.FAILING
