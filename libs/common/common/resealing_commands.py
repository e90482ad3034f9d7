"""`flask --app <service> reseal`: what is stored and queued comes under the newest key.

`create-seal-key` and `create-message-key` make one.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import click
from flask import Flask

from common.audit.commands import record_if_possible
from common.db.database import Database, is_sqlite
from common.jobs.broker import BROKER_ERRORS, seal_messages_anew
from common.resealing import BATCH, MAX_PASSES, PAUSE_S, Counts, SealedColumn, reseal_column
from common.sealing import Sealer, create_key
from common.searchable_sealing import create_search_key
from common.settings import Environment


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
        undone = 0
        time.sleep(sealer.settles_in_s())
        if needs_search_key and create_search_key(settings.seal_keys_folder) is not None:
            click.echo("A key to search with was created: it belongs into the backup, too")
        for column in columns:
            counts = reseal_column(database, sealer, column, batch=batch, pause_s=pause)
            undone += _said(column.name, counts)
        undone += _said("queued messages", _messages_anew(settings, queues()))
        _forget_remains(database)
        if undone:
            raise click.ClickException(f"{undone} rows are not under the newest key: kept as is")
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


def _messages_anew(settings: Environment, queues: Iterable[str]) -> Counts:
    """The same of what is queued; the embedded broker's is held up meanwhile, and all done."""
    names, counts = list(queues), Counts()
    for _ in range(MAX_PASSES if settings.rabbitmq_url else 1):
        try:
            more = Counts(*seal_messages_anew(settings, names))
        except BROKER_ERRORS as exc:
            raise click.ClickException("The broker is away: its messages are kept as is") from exc
        counts += more
        if not more.sealed:
            break
    return counts


def _said(name: str, counts: Counts) -> int:
    """Tell of a column; how many rows are not as they should be."""
    words = f"{name}: {counts.sealed} sealed, {counts.unreadable} unreadable"
    if counts.double:
        words += f", {counts.double} in clear beside a sealed row with the same value"
    if counts.left:
        words += f", {counts.left} written meanwhile by somebody without the newest key"
    click.echo(words)
    return counts.unreadable + counts.double + counts.left


def _forget_remains(database: Database) -> None:
    """What was in clear stays in no log of the embedded database."""
    if is_sqlite(database.engine):
        connection = database.engine.raw_connection()  # not in a transaction
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
