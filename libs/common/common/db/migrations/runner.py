"""What every service's `migrations/env.py` calls: take the lock, create the schema, migrate."""

import fcntl
import time
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from zlib import crc32

import click
from alembic import context
from alembic.migration import MigrationContext
from alembic.runtime.migration import MigrationInfo
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import Migrate
from flask_migrate.cli import db
from sqlalchemy import Connection, Engine, Enum, MetaData, inspect, text

from common.db.database import UtcDateTime, is_sqlite
from common.db.migrations import plan
from common.db.partitions import partition_names

#: A migration waits this long for a table in use, then fails and leaves all as it was.
LOCK_TIMEOUT = "10s"


class Migrations:
    """What Flask-Migrate wants to know of a service: its tables, engine and schema."""

    def __init__(self, metadata: MetaData, engine: Engine, schema: str) -> None:
        self.metadata = metadata
        self.engine = engine
        self.schema = schema


def register_migrations(app: Flask, migrations: Migrations, directory: Path) -> None:
    """Give `app` the `flask db` commands."""
    Migrate(app, migrations, directory=str(directory))


def run_migrations() -> None:
    """Run the migrations of the current app's service, alone among all its processes."""
    migrations: Migrations = current_app.extensions["migrate"].db
    with _sole_runner(migrations) as connection:
        context.configure(
            connection=connection,
            target_metadata=migrations.metadata,
            compare_type=True,
            render_as_batch=is_sqlite(migrations.engine),
            render_item=_render_type,
            include_name=_all_but(partition_names(connection)),
            on_version_apply=_logged(migrations.schema),
        )
        _refuse_a_newer_database(migrations.schema)
        _say_plan(migrations.schema, connection)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        _let_it_shrink(connection)


def _refuse_a_newer_database(schema: str) -> None:
    """Raise ClickException where the database has a revision that this version does not know."""
    known = {one.revision for one in context.script.walk_revisions()}
    newer = set(context.get_context().get_current_heads()) - known
    if newer:
        raise click.ClickException(_newer(schema, newer, context.script.get_current_head()))


def _newer(schema: str, revisions: Collection[str], newest: str | None) -> str:
    return (
        f"the tables of {schema} are at revision {', '.join(sorted(revisions))}, which this "
        f"version does not know (its newest is {newest}): start the newer version, or restore "
        f"the backup that was made before it"
    )


def _say_plan(schema: str, connection: Connection) -> None:
    """Say what an upgrade will do, before it does; other commands have nothing to do then."""
    if not _is_upgrade():
        return
    heads = context.get_context().get_current_heads()
    target = context.get_revision_argument()
    found = plan.steps(context.script, heads, target, connection, schema)
    if found:
        for line in plan.words(schema, heads, found):
            click.echo(line, err=True)


def _is_upgrade() -> bool:
    running = click.get_current_context(silent=True)
    return running is not None and running.info_name == "upgrade"


@db.command("plan")  # type: ignore[untyped-decorator]
@with_appcontext
def say_plan() -> None:
    """Say what an upgrade would do: revisions, tables with their rows, and roughly how long."""
    migrations: Migrations = current_app.extensions["migrate"].db
    script = ScriptDirectory(current_app.extensions["migrate"].directory)
    with migrations.engine.execution_options(reading=True).connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
        unknown = set(heads) - {one.revision for one in script.walk_revisions()}
        if unknown:
            newest = script.get_current_head()
            raise click.ClickException(_newer(migrations.schema, unknown, newest))
        found = plan.steps(script, heads, "heads", connection, migrations.schema)
    for line in plan.words(migrations.schema, heads, found):
        click.echo(line)


def _logged(schema: str) -> Callable[..., None]:
    """Says of each revision what it does and how long it took."""
    began = time.monotonic()

    def applied(*, step: MigrationInfo, **_: object) -> None:
        nonlocal began
        took_s, began = time.monotonic() - began, time.monotonic()
        revision = context.script.get_revision(step.up_revision_id or "base")
        click.echo(f"{schema}: {revision.revision} {revision.doc} ({took_s:.1f} s)", err=True)

    return applied


@contextmanager
def _sole_runner(migrations: Migrations) -> Iterator[Connection]:
    if is_sqlite(migrations.engine):
        lock_path = f"{migrations.engine.url.database}.migrate.lock"
        with open(lock_path, "w") as lock, migrations.engine.connect() as connection:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # SQLite checks foreign keys while batch mode rebuilds a table; not during migrations.
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        return
    with migrations.engine.connect() as connection:
        # The lock is the session's: it outlives each revision's transaction and ends with us.
        key = crc32(f"kiungo:{migrations.schema}".encode())
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        if not inspect(connection).has_schema(migrations.schema):
            # Where a role owns its schema alone, it could not ask for this.
            connection.execute(text(f'CREATE SCHEMA "{migrations.schema}"'))
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
            connection.execute(text("SET lock_timeout = 0"))
            connection.commit()


def _all_but(partitions: Container[str]) -> Callable[..., bool]:
    """What is compared with the models: partitions are parts of their tables."""

    def included(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and name in partitions)

    return included


def _let_it_shrink(connection: Connection) -> None:
    """An SQLite file of a former version is written anew, once: then it can give space back."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 0:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _render_type(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Revisions name plain types: they must not change when our own types do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False
