"""A pass over openIMIS's database: every kind in batches, each stored together with how far it is.

A pass that was interrupted goes on where it stopped. One that is complete has seen every row, or
every one that has changed since a moment.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common.clock import utc_now
from common.db.database import Database
from sqlalchemy import Engine, RowMapping, delete, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policy_notify.errors import SourceAway
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.reading import Reading, reading_as
from policy_notify.intake.upsert import Checked, store_checked
from policy_notify.intake.waiting import count_among, count_dangling
from policy_notify.models import SyncProgress
from policy_notify.openimis.connection import reading
from policy_notify.openimis.queries import SOURCES, Source, failed_attempts
from policy_notify.openimis.translation import Translator, Unusable, known_by, translator

BATCH = 5_000


@dataclass
class Counts:
    """What came of one kind.

    `known`: how many of openIMIS's records we have. `missing`: ours that it no longer has.
    """

    kind: str
    read: int = 0
    changed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    known: int = 0
    missing: int | None = None
    is_absent: bool = False


@dataclass(frozen=True)
class Sync:
    """Reads `source` into `database`; `is_dry`: nothing is kept."""

    source: Engine
    database: Database
    reading: Reading
    is_dry: bool = False
    batch: int = BATCH

    def run(
        self,
        since: datetime | None = None,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[Counts], None] = lambda _counts: None,
    ) -> list[Counts] | None:
        """One pass, or the rest of one that was interrupted; None when it was stopped.

        Raises SourceAway when openIMIS's database cannot be read.
        """
        positions = self._begin(since)
        try:
            counted = self._counts()
            for source, counts in zip(SOURCES, counted, strict=True):
                after = positions.get(source.kind)
                if after is None:
                    continue
                if not counts.is_absent and not self._read(
                    source, counts, after, since, is_stopping, progress
                ):
                    return None
                self._end(source.kind)
            self._conclude(counted, is_whole=since is None)
        except SQLAlchemyError as exc:
            raise SourceAway(f"A database cannot be read ({type(exc).__name__})") from exc
        finally:
            self.source.dispose()
        return counted

    def interrupted(self) -> tuple[datetime, datetime | None] | None:
        """When a pass that did not end began, and since when it reads; None: there is none."""
        with self.database.reading() as session:
            left = session.scalar(select(SyncProgress).where(SyncProgress.ended_at.is_(None)))
            return (left.began_at, left.since) if left else None

    def _counts(self) -> list[Counts]:
        """None of anything so far; which tables openIMIS lacks. Raises SourceAway."""
        found = inspect(self.source).get_table_names()
        for source in SOURCES:
            if source.table.name not in found and not source.is_optional:
                raise SourceAway(f"openIMIS's table {source.table.name} is not there")
        return [Counts(one.kind, is_absent=one.table.name not in found) for one in SOURCES]

    def _begin(self, since: datetime | None) -> dict[str, int]:
        """Where each kind that is not done goes on: of the open pass, else of a new one."""
        if self.is_dry:
            return dict.fromkeys(KINDS, 0)
        with self.database.writing() as session:
            open_ = select(SyncProgress).where(SyncProgress.ended_at.is_(None))
            rows = [row for row in session.scalars(open_) if row.since == since]
            if not rows:
                session.execute(delete(SyncProgress))
                now = utc_now()
                rows = [
                    SyncProgress(kind=kind, began_at=now, since=since, after=0, known=0)
                    for kind in KINDS
                ]
                session.add_all(rows)
            return {row.kind: row.after for row in rows}

    def _read(
        self,
        source: Source,
        counts: Counts,
        after: int,
        since: datetime | None,
        is_stopping: Callable[[], bool],
        progress: Callable[[Counts], None],
    ) -> bool:
        kind, translate = KINDS[source.kind], translator(self.reading)
        moment = since and since.astimezone(self.reading.zone).replace(tzinfo=None)
        with ThreadPoolExecutor(1) as ahead:
            following = ahead.submit(self._rows, source, after, moment)
            while rows := following.result():
                after = rows[-1]["key"]
                following = ahead.submit(self._rows, source, after, moment)
                checked, rejected = self._translated(source, translate, rows, counts)
                with self.database.writing() as session, reading_as(self.reading):
                    self._store(session, kind, checked, rejected, counts, after)
                counts.read += len(rows)
                progress(counts)
                if is_stopping():
                    return False
        return True

    def _end(self, kind: str) -> None:
        """A kind is done, also where openIMIS has no such table: else the pass would never end."""
        if not self.is_dry:
            with self.database.writing() as session:
                session.get_one(SyncProgress, kind).ended_at = utc_now()

    def _rows(self, source: Source, after: int, since: datetime | None) -> Sequence[RowMapping]:
        with reading(self.source, self.reading.zone) as connection:
            query = source.batch(after, self.batch, since)
            return connection.execute(query).mappings().all()

    def _translated(
        self,
        source: Source,
        translate: Translator,
        rows: Sequence[RowMapping],
        counts: Counts,
    ) -> tuple[Checked, list[UUID]]:
        """The records of rows, and what those are known by that cannot be taken."""
        failed, rejected = self._failed(source, rows), list[UUID]()
        kind, checked = KINDS[source.kind], Checked()
        for index, row in enumerate(rows):
            try:
                if source.kind == "indications":
                    record = translate.indication(row, failed.get(row["key"], set()))
                else:
                    record = translate.record(source.kind, row)
            except Unusable as exc:
                counts.rejected[str(exc)] += 1
                rejected += known_by(row)
            else:
                checked.keep(record[kind.key], index, record)
        return checked, rejected

    def _failed(self, source: Source, rows: Sequence[RowMapping]) -> dict[int, set[str]]:
        """What openIMIS tries again, by policy."""
        failed: dict[int, set[str]] = {}
        if source.kind == "indications":
            query = failed_attempts(rows[0]["key"], rows[-1]["key"])
            with reading(self.source, self.reading.zone) as connection:
                for policy, type_ in connection.execute(query):
                    failed.setdefault(policy, set()).add(type_)
        return failed

    def _store(
        self,
        session: Session,
        kind: Kind,
        checked: Checked,
        rejected: list[UUID],
        counts: Counts,
        after: int,
    ) -> None:
        attempt = session.begin_nested()
        received = len(checked.good)
        outcome = store_checked(session, kind, checked, received, reports_places=False)
        counts.changed += outcome.changed
        if self.is_dry:
            attempt.rollback()
            counts.known += count_among(session, kind, [*checked.good, *rejected])
            return
        progress = session.get_one(SyncProgress, kind.name)
        progress.after = after
        progress.known += received + count_among(session, kind, rejected)

    def _conclude(self, counted: list[Counts], *, is_whole: bool) -> None:
        """Count what waits and, after a whole pass, what openIMIS no longer has."""
        with self.database.reading() as session:
            for counts in counted:
                kind = KINDS[counts.kind]
                counts.waiting = count_dangling(session, kind)
                if not self.is_dry:
                    counts.known = session.get_one(SyncProgress, kind.name).known
                if is_whole and not counts.is_absent and not kind.is_merged:
                    ours = session.scalar(select(func.count()).select_from(kind.model)) or 0
                    counts.missing = max(0, ours - counts.known)
