"""openIMIS is read again and again: what has changed every few minutes, everything every night.

One process at a time does so, under a lease that each batch renews. When a pass last began is kept
with the lease, so that the next process goes on from there.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from common.clock import utc_now
from common.logs import get_logger
from sqlalchemy.orm import Session

from policy_notify.container import Container
from policy_notify.errors import RunLost, SourceError
from policy_notify.intake.reading import reading_of
from policy_notify.models import SyncState
from policy_notify.openimis.connection import open_source
from policy_notify.openimis.sync import Counts, Sync
from policy_notify.runs.lease import LEASE_ID, Lease

log = get_logger(__name__)

#: Changes are read again from so long before the last pass: openIMIS's clock may differ from ours,
#: and a long transaction writes an older time than that of its commit.
OVERLAP = timedelta(minutes=15)
#: Longer than one batch, or the comparison at the end of a whole pass, takes.
LEASE = timedelta(minutes=15)
#: How often a watcher looks whether a pass is due, or somebody else's lease is over.
LOOK_EVERY_S = 30.0


@dataclass(frozen=True)
class Timetable:
    """`every`: between two looks at what has changed; `whole_hour`: of the night, in `zone`."""

    every: timedelta
    whole_hour: int
    zone: ZoneInfo

    def whole_since(self, now: datetime) -> datetime:
        """The latest moment at which a whole pass was due."""
        local = now.astimezone(self.zone)
        today = local.replace(hour=self.whole_hour, minute=0, second=0, microsecond=0)
        return today if today <= local else today - timedelta(days=1)


@dataclass(frozen=True)
class Pass:
    """One reading: of all rows, or of what has changed since a moment; `began` counts for both."""

    began: datetime
    since: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether it reads everything."""
        return self.since is None


def next_pass(
    whole_at: datetime | None, latest_at: datetime | None, now: datetime, timetable: Timetable
) -> Pass | None:
    """What is due `now`, after a whole pass and a latest one that began then. Pure."""
    if whole_at is None or latest_at is None or whole_at < timetable.whole_since(now):
        return Pass(now, None)
    if now - latest_at >= timetable.every:
        return Pass(now, latest_at - OVERLAP)
    return None


@dataclass
class Watcher:
    """Keeps the read model in step with openIMIS's database."""

    container: Container
    url: str = field(repr=False)
    is_stopping: Callable[[], bool]
    progress: Callable[[Counts], None] = lambda _counts: None
    now: Callable[[], datetime] = utc_now
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    def step(self) -> list[Counts] | None:
        """Do the pass that is due; None: none was, it was stopped, or another process has it.

        Raises SourceError; the pass goes on from there next time.
        """
        lease = Lease(LEASE, self.token, self.now, SyncState)
        with self.container.database.writing() as session:
            if not lease.take(session):
                return None
        try:
            return self._read(lease)
        except RunLost:
            log.warning("sync_lost")
            return None
        finally:
            with self.container.database.writing() as session:
                lease.give_back(session)

    def guarded_step(self) -> None:
        """A step of a worker, which goes on when openIMIS's database is away."""
        try:
            self.step()
        except SourceError as exc:
            log.warning("openimis_away", reason=str(exc))

    def _read(self, lease: Lease) -> list[Counts] | None:
        reader = Sync(
            open_source(self.url),
            self.container.database,
            reading_of(self.container.settings),
        )
        due = self._due(reader)
        if due is None:
            return None

        def progress(counts: Counts) -> None:
            with self.container.database.writing() as session:
                lease.keep(session)
            self.progress(counts)

        counted = reader.run(due.since, is_stopping=self.is_stopping, progress=progress)
        if counted is None:
            return None
        with self.container.database.writing() as session:
            lease.keep(session)
            self._remember(session, due)
        _report(due, counted)
        return counted

    def _due(self, reader: Sync) -> Pass | None:
        """The pass that somebody began and did not end; else the one whose time has come."""
        settings = self.container.settings
        interrupted = reader.interrupted()
        if interrupted is not None:
            return Pass(*interrupted)
        with self.container.database.reading() as session:
            state = session.get_one(SyncState, LEASE_ID)
        timetable = Timetable(
            timedelta(minutes=settings.sync_minutes),
            settings.compare_hour,
            settings.scheme_timezone,
        )
        return next_pass(state.whole_at, state.latest_at, self.now(), timetable)

    @staticmethod
    def _remember(session: Session, done: Pass) -> None:
        state = session.get_one(SyncState, LEASE_ID)
        state.latest_at = done.began
        if done.is_whole:
            state.whole_at = done.began


def _report(done: Pass, counted: list[Counts]) -> None:
    log.info(
        "openimis_read",
        is_whole=done.is_whole,
        changed=sum(one.changed for one in counted),
        rejected=sum(one.rejected.total() for one in counted),
        waiting=sum(one.waiting for one in counted),
        missing=sum(one.missing or 0 for one in counted),
    )
