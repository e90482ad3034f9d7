"""The connection to openIMIS's database: PostgreSQL or SQL Server, for reading only."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo

from sqlalchemy import Connection, Engine, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from policy_notify.errors import BadSource

_DRIVERS = {"postgresql": "postgresql+psycopg", "mssql": "mssql+pymssql"}
#: A pooler between us and the server knows no prepared statements.
_ARGUMENTS = {"postgresql+psycopg": {"prepare_threshold": None}}
#: A batch is read while the one before is stored, and looked up.
_CONNECTIONS = 2


def open_source(url: str) -> Engine:
    """An engine for `postgresql://…` or `mssql://…`; whoever reads disposes of it.

    Opens no connection yet. Raises BadSource.
    """
    try:
        parsed = make_url(re.sub("^postgres://", "postgresql://", url))
        if parsed.drivername in _DRIVERS:
            parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
        engine = create_engine(
            parsed,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            connect_args=_ARGUMENTS.get(parsed.drivername, {}),
            hide_parameters=True,
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as exc:
        raise BadSource("The database's URL cannot be used") from exc
    if engine.dialect.name not in _DRIVERS:
        raise BadSource("The database must be PostgreSQL or SQL Server")
    return engine


@contextmanager
def reading(engine: Engine, zone: tzinfo = UTC) -> Iterator[Connection]:
    """A transaction that cannot write where the server can promise it; it ends without a commit.

    `zone`: of times without one. Newer openIMIS keep moments (`timestamptz`), which the server
    would otherwise compare in its own zone.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
            connection.execute(select(func.set_config("TimeZone", str(zone), True)))
        yield connection
