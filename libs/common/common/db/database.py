"""Engines and sessions for both databases, and the base of every service's models.

PostgreSQL: one schema per service, chosen by `search_path`. SQLite: one file per service in WAL
mode with `synchronous=FULL`, so that a commit is on disk when it returns.
"""

import enum
import re
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, configure_mappers, sessionmaker
from sqlalchemy.types import TypeDecorator

from common.settings import Environment

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

#: How long a writer waits for SQLite's one write lock before it gives up.
SQLITE_BUSY_TIMEOUT_S = 10
#: What each connection to SQLite is told.
SQLITE_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "wal_autocheckpoint=4000",
)
POSTGRES_CONNECT_TIMEOUT_S = 5
#: Kinds of processes: hubs, gateways (of proxy and relay), workers.
HUBS = 4
GATEWAYS = 2
WORKERS = 4
#: How long somebody waits for a free connection.
POOL_TIMEOUT_S = 20
SQLITE_POOL_SIZE = 10
#: A connection whose other end has gone without a word is noticed within 15 seconds.
POSTGRES_SILENCE = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
}
_WAL_RETRY_S = 0.02


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, `timestamptz` in PostgreSQL, naive UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: What `Mapped[...]` annotations of all services mean.
TYPES: dict[Any, Any] = {datetime: UtcDateTime}


def stored_enum(cls: type[enum.StrEnum]) -> Enum:
    """A column of `cls`, stored by value as text."""
    return Enum(
        cls,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def new_metadata() -> MetaData:
    """Metadata for one service's tables, with our one naming convention for constraints."""
    return MetaData(naming_convention=NAMING)


def database_url(settings: Environment, schema: str) -> str:
    """Where the service that owns `schema` keeps its tables. The URL may hold a password."""
    if settings.database_url_override:
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", settings.database_url_override)
    if settings.db_engine == "sqlite":
        return f"sqlite:///{settings.var_dir / f'{schema}.sqlite3'}"
    user, password = quote(settings.postgres_user, ""), quote(settings.postgres_password, "")
    return (
        f"postgresql+psycopg://{user}:{password}@{settings.postgres_host}"
        f":{settings.postgres_port}/{settings.postgres_db}"
    )


def processes_of_an_installation(
    settings: Environment, *, hubs: int = HUBS, gateways: int = GATEWAYS, workers: int = WORKERS
) -> int:
    """How many processes use the database, with one replica of each kind."""
    return hubs * settings.web_concurrency + gateways * settings.gateway_processes + workers


def connections_of_a_process(settings: Environment) -> int:
    """How many PostgreSQL connections a process may have, of those for an installation."""
    return max(2, settings.db_connections_max // processes_of_an_installation(settings))


def open_engine(settings: Environment, schema: str) -> Engine:
    """An engine whose every connection sees only `schema`. Opens no connection yet.

    On PostgreSQL whoever finds no free connection waits for one.
    """
    url = make_url(database_url(settings, schema))
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(str(url))
    share = connections_of_a_process(settings)
    return create_engine(
        url,
        pool_size=share - 1,  # the writer of a hot path has one of its own
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "options": f"-csearch_path={schema}",
            "connect_timeout": POSTGRES_CONNECT_TIMEOUT_S,
            "application_name": f"kiungo-{schema}",
            **POSTGRES_SILENCE,
        },
        # For the writer of a hot path, which has a connection of its own.
        execution_options={"owned_schema": schema},
    )


def _open_sqlite(url: str) -> Engine:
    path = Path(make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    engine = create_engine(
        url,
        pool_size=SQLITE_POOL_SIZE,
        max_overflow=SQLITE_POOL_SIZE,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN is deferred and would deadlock on upgrade; see `_begin`.
        connection.isolation_level = None
        # Of a new file only, before its first page: what is removed can be given back.
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _enter_wal(connection, deadline=time.monotonic() + SQLITE_BUSY_TIMEOUT_S)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _enter_wal(connection: Any, *, deadline: float) -> None:
    """Switch to WAL; SQLite does not by itself wait for another who is just writing a new file."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_WAL_RETRY_S)


def is_sqlite(engine: Engine) -> bool:
    """Whether `engine` is the embedded database."""
    return engine.dialect.name == "sqlite"


def insert_into(session: Session, table: Any) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into a table or model, in the dialect of `session`: it knows ON CONFLICT."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


class Database:
    """A service's engine with its two ways in: `writing()` for one act, `reading()` for queries.

    Both are context managers that give a Session in one transaction; on SQLite a reading
    transaction does not wait for the write lock.
    """

    def __init__(self, engine: Engine) -> None:
        # Now, and not under a lock in the first of many requests.
        configure_mappers()
        self.engine = engine
        #: Makes the sessions of `writing`; whoever must see every change listens to it.
        self.writing_sessions = sessionmaker(engine, expire_on_commit=False)
        self.writing = self.writing_sessions.begin
        self._reading = sessionmaker(engine.execution_options(reading=True), expire_on_commit=False)

    def tell_sessions(self, name: str, value: object) -> None:
        """Put `value` into the `info` of all sessions from now on."""
        for sessions in (self.writing_sessions, self._reading):
            sessions.configure(info={**sessions.kw.get("info", {}), name: value})

    def reading(self) -> Session:
        """A session for queries only; leaving it ends the transaction without a commit."""
        return self._reading()

    def glancing(self) -> Connection:
        """A connection for one query that is asked again and again: on PostgreSQL no transaction is
        begun and ended around it, which would be two round trips more."""
        is_embedded = is_sqlite(self.engine)
        options = {"reading": True} if is_embedded else {"isolation_level": "AUTOCOMMIT"}
        return self.engine.connect().execution_options(**options)
