"""Tables in monthly partitions, on PostgreSQL; on SQLite such a table is one.

The key of such a table begins with an id that sorts by time (`common.ids`): a month is a range of
ids, and a lookup by id alone finds its partition. A row of no partition's month goes to the default
partition, so that none is ever refused. Old months are dropped: that takes no time, and gives the
space back at once.

Source: PostgreSQL's manual, "Table Partitioning".
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Engine, MetaData, Table, event, text
from sqlalchemy.exc import OperationalError

from common.db.database import is_sqlite
from common.ids import lowest_id_at
from common.logs import get_logger

log = get_logger(__name__)

#: Whole months from the next one on that have a partition before they begin.
MONTHS_AHEAD = 2
#: What is kept for less long than that goes to the day, and not with its month.
SHORT_DAYS = 31
#: Whoever makes or drops a partition holds others up for at most this long, and tries again.
LOCK_WAIT_MS = 100
LOCK_REST_S = 0.2
LOCK_TRIES = 100
#: `lock_not_available` (PostgreSQL's manual, "Error Codes"): SQLite needs no driver of it.
_NO_LOCK = "55P03"

_BELOW = re.compile(r" TO \('([0-9a-f-]{36})'\)$")
_FROM = re.compile(r"FROM \('([0-9a-f-]{36})'\)")


@dataclass(frozen=True)
class Partition:
    """A part of a table: its ids from `lowest` (None: from the first) on, below `below` (None: the
    default partition, which has what is in no other).
    """

    name: str
    lowest: uuid.UUID | None
    below: uuid.UUID | None


def by_month(key: str) -> dict[str, str]:
    """The table's options for a model whose primary key begins with the id `key`."""
    return {"postgresql_partition_by": f"RANGE ({key})"}


def key_of(table: Table) -> str | None:
    """The name of the id that `table` is partitioned by; None where it is not."""
    by: str | None = table.dialect_options["postgresql"]["partition_by"]
    return None if by is None else by.removeprefix("RANGE (").removesuffix(")")


def partitioned(metadata: MetaData) -> list[Table]:
    """The tables that are in monthly partitions."""
    return [table for table in metadata.sorted_tables if key_of(table) is not None]


def with_default_partitions(metadata: MetaData) -> MetaData:
    """`metadata`, whose `create_all` makes the default partitions, too."""

    @event.listens_for(metadata, "after_create")
    def _create(_: MetaData, connection: Connection, tables: Iterable[Table], **__: Any) -> None:
        for table in tables if connection.dialect.name == "postgresql" else ():
            if key_of(table) is not None:
                create_default(connection, table.name)

    return metadata


def create_default(connection: Connection, table: str) -> None:
    """Make the partition for what is in no other."""
    connection.execute(text(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT"))


def partitions_of(connection: Connection, table: str) -> list[Partition]:
    """The partitions of `table`, oldest first; the default one, which is always there, is last."""
    found = connection.execute(
        text(
            "SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits"
            " JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass(:table)"
        ),
        {"table": table},
    )
    partitions = [_partition(name, bound) for name, bound in found]
    return sorted(partitions, key=lambda one: one.below or uuid.UUID(int=2**128 - 1))


def partition_names(connection: Connection) -> set[str]:
    """The names of all partitions of the schema's tables."""
    if connection.dialect.name != "postgresql":
        return set()
    found = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
    return set(connection.scalars(text(found)))


def _partition(name: str, bound: str) -> Partition:
    lowest, below = _FROM.search(bound), _BELOW.search(bound)
    return Partition(
        name,
        uuid.UUID(lowest[1]) if lowest else None,
        uuid.UUID(below[1]) if below else None,
    )


def month_of(moment: datetime, later: int = 0) -> datetime:
    """When the month of `moment`, or one so many months later, begins (UTC)."""
    months = moment.astimezone(UTC).year * 12 + moment.astimezone(UTC).month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def has_month(connection: Connection, table: str, month: datetime) -> bool:
    """Whether the month that begins at `month` has a partition."""
    first = lowest_id_at(month)
    return any(
        one.below is not None and first < one.below and (one.lowest is None or one.lowest <= first)
        for one in partitions_of(connection, table)
    )


def create_month(connection: Connection, table: str, key: str, month: datetime) -> bool:
    """Make the partition of the month that begins at `month`; whether it is there now.

    A month of which the default partition has rows stays there: moving them would stop the calls.
    """
    if has_month(connection, table, month):
        return True
    bounds = {"lowest": lowest_id_at(month), "below": lowest_id_at(month_of(month, 1))}
    astray = f"SELECT 1 FROM {table}_default WHERE {key} >= :lowest AND {key} < :below LIMIT 1"  # noqa: S608
    if connection.execute(text(astray), bounds).first() is not None:
        return False
    name = f"{table}_{month:%Y_%m}"
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)"))
    attach_month(connection, table, name, month)
    return True


def attach_month(connection: Connection, table: str, part: str, month: datetime) -> None:
    """Make the table `part` the partition of the month that begins at `month`."""
    lowest, below = lowest_id_at(month), lowest_id_at(month_of(month, 1))
    values = f"FROM ('{lowest}') TO ('{below}')"
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES {values}"))


def keep_months_ahead(engine: Engine, tables: Iterable[Table], now: datetime) -> list[str]:
    """Make the partitions of this month and of those to come that lack; the names of tables that
    still lack one. On SQLite there is nothing to do.
    """
    if is_sqlite(engine):
        return []
    months = [month_of(now, later) for later in range(MONTHS_AHEAD + 1)]
    for table in tables:
        for month in months:
            _keep_month(engine, table, month)
    return lacking(engine, tables, months)


def lacking(engine: Engine, tables: Iterable[Table], months: Iterable[datetime]) -> list[str]:
    """The names of the tables that have no partition for one of these months."""
    if is_sqlite(engine):
        return []
    wanted = list(months)
    with engine.connect() as connection:
        return [
            table.name
            for table in tables
            if not all(has_month(connection, table.name, month) for month in wanted)
        ]


def _keep_month(engine: Engine, table: Table, month: datetime) -> None:
    with engine.connect() as connection:
        if has_month(connection, table.name, month):
            return

    def create(connection: Connection) -> None:
        _alone(connection, table.name)
        create_month(connection, table.name, key_of(table) or "", month)

    with_short_locks(engine, create)


def drop_months(engine: Engine, table: Table, edge: uuid.UUID) -> int:
    """Drop the partitions of `table` whose ids are all below `edge`; how many.

    One that others read for long is left for the next time. On SQLite there are none.
    """
    if is_sqlite(engine):
        return 0
    with engine.connect() as connection:
        old = [one for one in partitions_of(connection, table.name) if one.below]
    dropped = 0
    for one in old:
        if one.below is None or one.below > edge:
            break
        if not with_short_locks(engine, _dropping(one.name)):
            log.warning("partition_in_use", table=table.name, partition=one.name)
            break
        log.info("partition_dropped", table=table.name, partition=one.name)
        dropped += 1
    return dropped


def _dropping(partition: str) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(text(f"DROP TABLE IF EXISTS {partition}"))


def edge_of_rows(engine: Engine, table: Table, edge: uuid.UUID, kept_days: int) -> uuid.UUID:
    """Below which id old rows go one by one; those from there to `edge` go with their month.

    Where rows are kept for less than `SHORT_DAYS` that is `edge`: a month more would be too much.
    Else what is older than the partition of any month, on SQLite all.
    """
    if is_sqlite(engine) or kept_days < SHORT_DAYS:
        return edge
    with engine.connect() as connection:
        months = [one.lowest for one in partitions_of(connection, table.name) if one.lowest]
    return min([edge, *months])


def with_short_locks(engine: Engine, act: Callable[[Connection], Any]) -> bool:
    """Run `act` in a transaction that waits for no lock longer than `LOCK_WAIT_MS`: whoever waits
    for a table holds up all who come after. Tried again for some time; whether it was done.
    """
    for attempt in range(LOCK_TRIES):
        if attempt:
            time.sleep(LOCK_REST_S)
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
                act(connection)
        except OperationalError as exc:
            if getattr(exc.orig, "sqlstate", None) != _NO_LOCK:
                raise
        else:
            return True
    return False


def _alone(connection: Connection, table: str) -> None:
    """Wait for another process that does the same; it waits no longer than for a lock."""
    key = crc32(f"kiungo:partitions:{table}".encode())
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
