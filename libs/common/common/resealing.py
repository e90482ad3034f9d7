"""What is stored comes under the newest key: the work of `flask --app <service> reseal`.

Rows that older keys sealed, that were sealed before there were key files, or that are in clear,
are rewritten, a batch at a time, while the service runs. A row that changed meanwhile is left to
the next pass, which also finds what was written behind the one before: it is done when a pass finds
nothing. A run that was interrupted is begun again and finds what is left.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    cast,
    func,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Update
from sqlalchemy.types import Text

from common.db.database import Database, is_sqlite
from common.db.write_lock import WriteLock
from common.sealing import Sealer, is_sealed, is_sealed_text

BATCH = 200
PAUSE_S = 0.05
#: So often a column is looked through before it is said that somebody still writes as before.
MAX_PASSES = 20

#: New values of a row by their columns.
Values = Mapping[str, Any]


@dataclass(frozen=True)
class SealedColumn:
    """A column that holds what is sealed: bytes, text, or a JSON document that a text stands for.

    `row` gives the row's part of what it is bound to, from a row of the primary key and `needs`.
    With `only`, other rows stay as they are. What is not sealed as a whole has a `rewrite`: it
    gives a row's new values, none where it is as it should be, None where a key is gone.
    """

    table: Table
    column: str
    purpose: bytes
    row: Callable[[Any], bytes]
    needs: tuple[str, ...] = ()
    #: Bytes that no key opens are in clear, unless they look sealed.
    may_be_clear: bool = False
    rewrite: Callable[[Any], Values | None] | None = None
    only: Callable[[Table], ColumnElement[bool]] | None = None
    #: It needs the key to search with.
    is_searchable: bool = False
    #: Another row may have the value already: one in clear, and one that was sealed since.
    may_collide: bool = False

    @property
    def is_json(self) -> bool:
        """Whether it holds documents."""
        return isinstance(self.table.c[self.column].type, JSON)

    @property
    def name(self) -> str:
        """As a person is told of it."""
        return f"{self.table.name}.{self.column}"


@dataclass
class Counts:
    """What became of a column's rows that were not sealed by the newest key."""

    sealed: int = 0
    unreadable: int = 0
    #: They are in clear beside a row that has the same value sealed, which is to be the only one.
    double: int = 0
    #: They were still written as before when it was given up.
    left: int = 0

    def __add__(self, more: "Counts") -> "Counts":
        """After a further pass: what could not be done is what could not be done in the last."""
        return Counts(self.sealed + more.sealed, more.unreadable, more.double, more.left)


def reseal_column(
    database: Database,
    sealer: Sealer,
    column: SealedColumn,
    *,
    batch: int = BATCH,
    pause_s: float = PAUSE_S,
) -> Counts:
    """Bring the column under the newest key. Raises SettingError where there is none."""
    counts = Counts()
    for _ in range(MAX_PASSES):
        more = _pass(database, sealer, column, batch, pause_s)
        counts += more
        if not more.sealed and not more.left:
            return counts
    counts.left = max(counts.left, 1)  # the last pass found something, too
    return counts


def _pass(
    database: Database, sealer: Sealer, column: SealedColumn, batch: int, pause_s: float
) -> Counts:
    """Look through the column once; `left` are rows that changed since they were read."""
    counts = Counts()
    sealer.newest_head()
    for rows in _batches(database, sealer, column, batch):
        found = [(row, _sealed_anew(sealer, column, row)) for row in rows]
        counts.unreadable += sum(value is None for _, value in found)
        _write(database, column, found, counts)
        time.sleep(pause_s)
    return counts


def _stored(column: SealedColumn) -> ColumnElement[Any]:
    """The column as it is compared: JSON by its text."""
    found = column.table.c[column.column]
    return cast(found, Text) if column.is_json else found


def _batches(
    database: Database, sealer: Sealer, column: SealedColumn, batch: int
) -> Iterator[Sequence[Any]]:
    """Rows that the newest key did not seal, by their primary key."""
    key = list(column.table.primary_key.columns)
    needed = [column.table.c[name] for name in column.needs]
    rows = select(*key, *needed, _stored(column).label("stored")).order_by(*key).limit(batch)
    rows = rows.where(_not_newest(sealer, column))
    after: ColumnElement[bool] = true()
    while True:
        with database.reading() as session:
            found = session.execute(rows.where(after)).all()
        if not found:
            return
        yield found
        after = tuple_(*key) > tuple_(*(_literals(key, found[-1])))


def _literals(key: Sequence[Any], row: Any) -> Iterator[Any]:
    return (literal(value, column.type) for column, value in zip(key, row, strict=False))


def _not_newest(sealer: Sealer, column: SealedColumn) -> ColumnElement[bool]:
    stored = _stored(column)
    if column.rewrite is not None:
        return column.only(column.table) if column.only else true()
    head: bytes | str
    if isinstance(stored.type, LargeBinary):
        head = sealer.newest_head()
    else:
        head = ('"' if column.is_json else "") + sealer.newest_text_head()
    wanted = and_(stored.is_not(None), func.substr(stored, 1, len(head)) != head)
    return and_(wanted, column.only(column.table)) if column.only else wanted


def _sealed_anew(sealer: Sealer, column: SealedColumn, row: Any) -> Values | None:
    """The values under the newest key; None where no key opens what is there."""
    if column.rewrite is not None:
        return column.rewrite(row)
    value = _value_anew(sealer, column.purpose, column.row(row), row.stored, column)
    return None if value is None else {column.column: value}


def _value_anew(
    sealer: Sealer, purpose: bytes, bound: bytes, stored: bytes | str, column: SealedColumn
) -> bytes | str | None:
    if isinstance(stored, bytes):
        secret = sealer.open(purpose, bound, stored)
        if secret is None and column.may_be_clear and not is_sealed(stored):
            secret = stored
        return None if secret is None else sealer.seal(purpose, bound, secret)
    if column.is_json:
        document = json.loads(stored)
        found = sealer.open_json(purpose, bound, document)
        is_lost = is_sealed_text(document) and found is None
        return None if is_lost else sealer.seal_json(purpose, bound, found)
    text = sealer.open_text(purpose, bound, stored)
    return None if text is None else sealer.seal_text(purpose, bound, text)


def _write(
    database: Database,
    column: SealedColumn,
    rows: Sequence[tuple[Any, Values | None]],
    counts: Counts,
) -> None:
    """Write what was sealed anew, where the row is still as it was read."""
    key = list(column.table.primary_key.columns)
    with WriteLock(database.engine), database.writing() as session:
        if is_sqlite(database.engine):  # what was in clear does not stay in free pages
            session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
        for row, values in rows:
            if values:
                same = [part == row[place] for place, part in enumerate(key)]
                change = update(column.table).where(*same, _stored(column) == row.stored)
                _change(session, change.values(values), column, counts)


def _change(session: Session, change: Update, column: SealedColumn, counts: Counts) -> None:
    """Change one row, unless another one has the value."""
    try:
        with session.begin_nested() if column.may_collide else nullcontext():
            changed = session.connection().execute(change).rowcount
    except IntegrityError:
        if not column.may_collide:
            raise
        counts.double += 1
    else:
        counts.sealed += changed
        counts.left += 1 - changed
