"""What the proxy's worker looks at itself: database, broker, mediators, certificates, tables."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from common.clock import utc_now
from common.db.database import Database, is_sqlite
from common.db.partitions import lacking, month_of, partitioned
from common.jobs.broker import BROKER_ERRORS, open_broker
from sqlalchemy import func, select

from proxy.checks.health import listener_trouble
from proxy.checks.probes import (
    Finding,
    Probe,
    certificate,
    clock,
    disk,
    failing,
    process,
    queues,
    starts,
    well,
)
from proxy.config import Settings
from proxy.container import Container
from proxy.models import Base, CheckState, Measure, Mediator, WatchJob
from proxy.statistics.judging import MediatorState, judged_mediators

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
#: Where the supervisor of `make up` writes how processes stand, below the data folder.
PROCESS_STATES = Path("run") / "processes.json"
_NO_PARTITION = "no partition for the next month: {}; the worker's purge makes them"


def probes(container: Container) -> dict[tuple[Measure, str], Probe]:
    """All questions of a round, by what is said when they are not answered."""
    settings, database = container.settings, container.database
    found: dict[tuple[Measure, str], Probe] = {
        (Measure.DATABASE, ""): partial(_database, database),
        (Measure.BROKER, ""): partial(_broker, settings),
        (Measure.LISTENERS, ""): partial(_listeners, database),
        (Measure.MIGRATIONS, ""): partial(_migrations, database),
        (Measure.MEDIATOR, ""): partial(_mediators, database, settings),
        (Measure.PROCESS, "proxy-worker's jobs"): partial(_jobs, database),
    }
    for name, url in settings.watched_services:
        found[Measure.PROCESS, name] = partial(_process, name, url, settings.var_dir)
        if url.startswith("http") and not name.endswith("-gateway"):
            found[Measure.QUEUE_AGE, name] = partial(queues, name, url)
    states = settings.var_dir / PROCESS_STATES
    if states.exists():
        found[Measure.PROCESS, "nginx"] = partial(_nginx, states)
    for path in settings.watched_paths or (str(settings.var_dir),):
        found[Measure.DISK, path] = partial(disk, Path(path))
    for path in settings.watched_certificates:
        found[Measure.CERTIFICATE, path] = partial(_certificate_file, path)
    return found


def _process(name: str, url: str, var_dir: Path) -> list[Finding]:
    """A process, with how often it was started again and why."""
    found, said = process(name, url), starts(name, var_dir / PROCESS_STATES)
    if not said:
        return found
    return [
        replace(one, detail=f"{one.detail}; {said}") if one.measure is Measure.PROCESS else one
        for one in found
    ]


def _nginx(states: Path) -> list[Finding]:
    """The front, of which the supervisor alone knows."""
    said = starts("nginx", states)
    if "next start" in said:
        return [failing(Measure.PROCESS, "nginx", said)]
    return [well(Measure.PROCESS, "nginx", f"runs; {said}" if said else "runs")]


def _database(database: Database) -> list[Finding]:
    """That it answers, and how far its clock is from ours."""
    if is_sqlite(database.engine):
        with database.reading() as session:
            session.execute(select(1))
        return [well(Measure.DATABASE, "")]
    with database.reading() as session:
        theirs = session.scalars(select(func.clock_timestamp())).one()
    drift_s = (theirs - utc_now()).total_seconds()
    return [well(Measure.DATABASE, ""), clock("database", drift_s)]


def _broker(settings: Settings) -> list[Finding]:
    if not settings.rabbitmq_url and not (settings.var_dir / "broker.sqlite3").exists():
        return [failing(Measure.BROKER, "", "its file is not there")]
    try:
        with open_broker(settings) as connection:
            connection.ensure_connection(max_retries=1, reraise_as_library_errors=True)
    except BROKER_ERRORS as exc:
        return [failing(Measure.BROKER, "", f"does not answer ({type(exc).__name__})")]
    return [well(Measure.BROKER, "")]


def _listeners(database: Database) -> list[Finding]:
    trouble = listener_trouble(database)
    return [
        failing(Measure.LISTENERS, "", trouble) if trouble else well(Measure.LISTENERS, "", "open")
    ]


def _jobs(database: Database) -> list[Finding]:
    """What the workers do every few seconds: whether each was done when it was last tried."""
    with database.reading() as session:
        found = session.execute(select(WatchJob.name, WatchJob.trouble)).all()
    return [
        failing(Measure.PROCESS, f"proxy-worker: {name}", trouble)
        if trouble
        else well(Measure.PROCESS, f"proxy-worker: {name}", "was done")
        for name, trouble in found
    ]


def _migrations(database: Database) -> list[Finding]:
    """Whether the tables are at the revision that this version knows as its last."""
    head = _last_revision()
    with database.engine.connect() as connection:
        now = MigrationContext.configure(connection).get_current_revision()
    if now == head:
        late = lacking(database.engine, partitioned(Base.metadata), [month_of(utc_now(), 1)])
        if late:
            return [failing(Measure.MIGRATIONS, "", _NO_PARTITION.format(", ".join(late)))]
        return [well(Measure.MIGRATIONS, "", f"at {head}")]
    return [failing(Measure.MIGRATIONS, "", f"at {now or 'none'}, and not at {head}")]


@cache
def _last_revision() -> str | None:
    """That which this version brings: to find it, every migration is loaded."""
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head()


def _mediators(database: Database, settings: Settings) -> list[Finding]:
    """Each mediator's state, and the days of the certificate that the hub shows it."""
    now, found = utc_now(), []
    with database.reading() as session:
        mediators = session.scalars(select(Mediator)).all()
        judged = judged_mediators(session, mediators, now, settings.heartbeat_timeout_s)
    for one in mediators:
        state, recent = judged[one.id].state, judged[one.id].recent
        said = f"{recent.failures} of {recent.calls} calls failed" if recent.calls else str(state)
        found.append(
            Finding(Measure.MEDIATOR, one.name, _CHECK_STATES[state], recent.share * 100, said)
        )
        if one.client_certificate:
            pem = one.client_certificate.encode()
            found += certificate(f"mediator {one.name}"[:255], pem, now)
    return found


_CHECK_STATES = {
    MediatorState.ONLINE: CheckState.WELL,
    MediatorState.OFF: CheckState.WELL,
    MediatorState.FAILING: CheckState.FAILING,
    MediatorState.SILENT: CheckState.FAILING,
    MediatorState.UNKNOWN: CheckState.UNKNOWN,
}


def _certificate_file(path: str) -> list[Finding]:
    try:
        return certificate(path, Path(path).read_bytes())
    except OSError as exc:
        return [failing(Measure.CERTIFICATE, path, f"cannot be read ({type(exc).__name__})")]
