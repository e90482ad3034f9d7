"""`flask --app <service> reseal`: what is stored and queued comes under the newest key.

`create-seal-key` and `create-message-key` make one.

Rows that older keys sealed, that were sealed before there were key files, or that are in clear,
are rewritten, a batch at a time, while the service runs: a row that changed meanwhile is left to
the next round. A run that was interrupted is begun again and finds what is left.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from flask import Flask
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

from common.audit.commands import record_if_possible
from common.db.database import Database, is_sqlite
from common.db.write_lock import WriteLock
from common.jobs.broker import seal_messages_anew
from common.sealing import Sealer, create_key, is_sealed, is_sealed_text
from common.searchable_sealing import create_search_key
from common.settings import Environment

BATCH = 200
PAUSE_S = 0.05


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
    sealer.newest_head()
    for rows in _batches(database, sealer, column, batch):
        found = [(row, _sealed_anew(sealer, column, row)) for row in rows]
        counts.unreadable += sum(value is None for _, value in found)
        counts.sealed += _write(database, column, found)
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
    database: Database, column: SealedColumn, rows: Sequence[tuple[Any, Values | None]]
) -> int:
    """Write what was sealed anew, where the row is still as it was read."""
    key = list(column.table.primary_key.columns)
    written = 0
    with WriteLock(database.engine), database.writing() as session:
        if is_sqlite(database.engine):  # what was in clear does not stay in free pages
            session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
        for row, values in rows:
            if values:
                same = [part == row[place] for place, part in enumerate(key)]
                change = update(column.table).where(*same, _stored(column) == row.stored)
                written += _changed(session, change.values(values), column)
    return written


def _changed(session: Session, change: Update, column: SealedColumn) -> int:
    """The rows that were changed; none where another row has the value."""
    if not column.may_collide:
        return session.connection().execute(change).rowcount
    try:
        with session.begin_nested():
            return session.connection().execute(change).rowcount
    except IntegrityError:
        return 0


def register_reseal(
    app: Flask,
    settings: Environment,
    database: Database,
    sealer: Sealer,
    columns: Sequence[SealedColumn],
    queues: Callable[[], Iterable[str]] = tuple,
) -> None:
    """Add the commands to `flask`; `queues` are those of the service at RabbitMQ."""
    needs_search_key = any(column.is_searchable for column in columns)

    @app.cli.command("reseal")
    @click.option("--batch", type=click.IntRange(1), default=BATCH, help="Rows at a time.")
    @click.option("--pause", type=click.FloatRange(0), default=PAUSE_S, help="Seconds between.")
    def reseal(batch: int, pause: float) -> None:
        """Bring what is sealed, and what is in clear, under the newest key of SEAL_KEYS_DIR."""
        lost = 0
        if needs_search_key and create_search_key(settings.seal_keys_folder) is not None:
            click.echo("A key to search with was created: it belongs into the backup, too")
        for column in columns:
            counts = reseal_column(database, sealer, column, batch=batch, pause_s=pause)
            lost += _said(column.name, counts)
        lost += _said("queued messages", Counts(*seal_messages_anew(settings, queues())))
        _forget_remains(database)
        if lost:
            raise click.ClickException(f"{lost} rows are under keys that are not here: kept as is")
        click.echo("All is under the newest key; the files of older ones may be removed")

    @app.cli.command("create-seal-key")
    def create_seal_key() -> None:
        """Create a key that seals what is stored; all processes use it within seconds."""
        made = create_key(settings.seal_keys_folder)
        create_search_key(settings.seal_keys_folder)
        record_if_possible("seal_key.created", made.name)
        click.echo(made.name)

    @app.cli.command("create-message-key")
    def create_message_key() -> None:
        """Create a key that seals messages for RabbitMQ; every service needs the same ones."""
        made = create_key(settings.message_keys_folder)
        record_if_possible("message_key.created", made.name)
        click.echo(made.name)


def _said(name: str, counts: Counts) -> int:
    click.echo(f"{name}: {counts.sealed} sealed, {counts.unreadable} unreadable")
    return counts.unreadable


def _forget_remains(database: Database) -> None:
    """What was in clear stays in no log of the embedded database."""
    if is_sqlite(database.engine):
        connection = database.engine.raw_connection()  # not in a transaction
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
