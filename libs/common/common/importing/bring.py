"""Records come over: settings one by one, what is many in batches, each batch in one transaction.

What has come over and has not changed there since is left alone, so an import that was killed goes
on where it was, and one that is repeated undoes nothing that was changed here.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, func, select
from sqlalchemy.orm import DeclarativeBase, Session

from common.db.database import Database, insert_into
from common.db.write_lock import WriteLock
from common.importing.former import (
    FormerRecord,
    digest_of,
    former_of_kind,
    known_of,
    remember,
)
from common.importing.report import LeftOut, Report
from common.importing.source import Batches, Row, Source, SourceTable

#: Settings that are saved in one transaction, and rows of what is many.
RECORDS_BATCH, ROWS_BATCH = 50, 500


def table_of(model: type[DeclarativeBase]) -> Table:
    """A model's table."""
    return cast(Table, model.__table__)


class Target:
    """Where records come to. A dry run does it all in one transaction that is rolled back."""

    def __init__(
        self, database: Database, former: type[FormerRecord], *, is_dry_run: bool = False
    ) -> None:
        self.former = former
        self.is_dry_run = is_dry_run
        self._database = database
        self._turn = WriteLock(database.engine)
        self._dry: Session | None = None

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session for one batch."""
        if self._dry is not None:
            yield self._dry
            self._dry.flush()
            return
        with self._turn, self._database.writing() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries, which sees what a dry run has done."""
        if self._dry is not None:
            yield self._dry
            return
        with self._database.reading() as session:
            yield session

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Around all that is saved one by one: of a dry run nothing of it stays."""
        if not self.is_dry_run:
            yield
            return
        with self._turn, Session(self._database.engine, expire_on_commit=False) as session:
            self._dry = session
            try:
                yield
            finally:
                self._dry = None
                session.rollback()

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        with self.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def ids(self, session: Session, kind: str) -> dict[str, uuid.UUID]:
        """The records of a kind that came over, by their former ids."""
        found = former_of_kind(session, self.former, kind)
        return {former_id: row.record_id for former_id, row in found.items()}


@dataclass(frozen=True)
class Saved:
    """What became of one record; `note`: in which way it is not as it was."""

    record_id: uuid.UUID
    is_new: bool
    note: str = ""


@dataclass(frozen=True)
class Records:
    """Settings that come over one by one.

    `prepare` gets a batch before its transaction, for what is slow, and `save` a row with what came
    of it and the record it became before, if any. `save` raises LeftOut; `name` is for the report.
    `whole` adds what other tables say of a row, before it is looked at whether it has changed.
    """

    kind: str
    table: SourceTable
    into: Table
    save: Callable[[Session, Row, Any, uuid.UUID | None], Saved]
    name: Callable[[Row], str]
    prepare: Callable[[Sequence[Row]], Sequence[Any]] = lambda rows: [None] * len(rows)
    secrets: tuple[str, ...] = ()
    whole: Callable[[Row], Row] = lambda row: row


def bring_records(wanted: Records, source: Batches, target: Target, report: Report) -> None:
    """Let the records of a kind come over that are new, or have changed there."""
    counts = report.of(wanted.kind)
    counts.there, counts.before = source.count(wanted.table), target.count(wanted.into)
    for rows in source.batches(wanted.table, size=RECORDS_BATCH):
        _bring_some(wanted, [wanted.whole(row) for row in rows], target, report)
    counts.after = target.count(wanted.into)


def _bring_some(wanted: Records, rows: Sequence[Row], target: Target, report: Report) -> None:
    with target.reading() as session:
        ids = [str(row["id"]) for row in rows]
        former = former_of_kind(session, target.former, wanted.kind, ids)
        known = {former_id: (row.record_id, row.digest) for former_id, row in former.items()}
    digests = {row["id"]: digest_of(row, wanted.secrets) for row in rows}
    news = [row for row in rows if known.get(str(row["id"]), ("", ""))[1] != digests[row["id"]]]
    report.of(wanted.kind).unchanged += len(rows) - len(news)
    if not news:
        return
    prepared = wanted.prepare(news)
    with target.writing() as session:
        noted = []
        for row, ready in zip(news, prepared, strict=True):
            before = known.get(str(row["id"]), (None, ""))[0]
            saved = _saved(wanted, session, row, ready, before, report)
            if saved is not None:
                noted.append(_noted(wanted.kind, row["id"], saved.record_id, digests[row["id"]]))
        remember(session, target.former, noted)


def _saved(
    wanted: Records,
    session: Session,
    row: Row,
    ready: Any,
    before: uuid.UUID | None,
    report: Report,
) -> Saved | None:
    """The record, in a savepoint of its own; None when it cannot come over."""
    counts = report.of(wanted.kind)
    try:
        with session.begin_nested():
            saved = wanted.save(session, row, ready, before)
    except LeftOut as why:
        report.left_out(wanted.kind, wanted.name(row), str(why))
        return None
    if saved.note:
        report.note(wanted.kind, wanted.name(row), saved.note)
    counts.new += saved.is_new
    counts.changed += not saved.is_new
    return saved


def _noted(kind: str, former_id: object, record_id: uuid.UUID, digest: str = "") -> dict[str, Any]:
    return {
        "kind": kind,
        "former_id": str(former_id),
        "record_id": record_id,
        "digest": digest,
    }


@dataclass(frozen=True)
class Rows:
    """What comes over in batches and is never changed afterwards.

    `key` names the column that is the former id; `key_columns` are read to see whether a row is
    known. `before` sees a batch before its rows; `convert` makes the row of ours, and raises
    LeftOut; its `into_id` is the record's id. `after` writes what else follows of a batch of ours,
    in its transaction.
    """

    kind: str
    table: SourceTable
    into: Table
    convert: Callable[[Row], dict[str, Any]]
    key: str = "id"
    into_id: str = "id"
    since: tuple[str, Any] | None = None
    why_older: str = ""
    before: Callable[[Sequence[Row]], None] = lambda rows: None
    after: Callable[[Session, Sequence[dict[str, Any]]], None] = lambda session, rows: None


def bring_rows(wanted: Rows, source: Source, target: Target, report: Report) -> None:
    """Let the rows of a kind come over that are not known yet."""
    counts = report.of(wanted.kind)
    counts.there, counts.before = source.count(wanted.table), target.count(wanted.into)
    keys = tuple(dict.fromkeys(("id", wanted.key)))
    looked_at = 0
    for batch in source.batches(wanted.table, keys, since=wanted.since, size=ROWS_BATCH):
        looked_at += len(batch)
        by_key = {str(row[wanted.key]): row["id"] for row in batch}
        with target.reading() as session:
            known = known_of(session, target.former, wanted.kind, by_key.keys())
        counts.unchanged += len(known)
        news = [id_ for key, id_ in by_key.items() if key not in known]
        if news:
            _bring_batch(wanted, source.by_id(wanted.table, news), target, report)
    if looked_at < counts.there:
        report.left_out(wanted.kind, "all of them", wanted.why_older, counts.there - looked_at)
    counts.after = target.count(wanted.into)


def _bring_batch(wanted: Rows, rows: Sequence[Row], target: Target, report: Report) -> None:
    converted, noted = [], []
    wanted.before(rows)
    for row in rows:
        try:
            ours = wanted.convert(row)
        except LeftOut as why:
            report.left_out(wanted.kind, row[wanted.key], str(why))
            continue
        converted.append(ours)
        noted.append(_noted(wanted.kind, row[wanted.key], ours[wanted.into_id]))
    report.of(wanted.kind).new += len(converted)
    if not converted or target.is_dry_run:
        return
    with target.writing() as session:
        session.execute(insert_into(session, wanted.into).on_conflict_do_nothing(), converted)
        remember(session, target.former, noted)
        wanted.after(session, converted)
