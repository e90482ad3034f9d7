"""A table of a former version becomes one in monthly partitions, and one table again."""

from datetime import datetime, timedelta

from alembic import op
from sqlalchemy import Connection, text

from common.db.partitions import MONTHS_AHEAD, create_default, create_month, month_of
from common.ids import lowest_id_at

#: What is on record becomes the first partition, which goes on until a month begins that is at
#: least so far away: until then new rows go there, too.
_AT_LEAST = timedelta(days=2)


def into_months(table: str, key: str, now: datetime) -> None:
    """Partition `table` by the months of the id `key`. Nothing on SQLite.

    No row is moved, and nobody waits: that the rows are of the first partition's time is checked
    while others read and write; then the table is locked for some milliseconds. Whatever was done
    before an interruption is done again. Its foreign keys to other tables are not kept.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql" or _is_partitioned(connection, table):
        return
    first, month = f"{table}_first", month_of(now + _AT_LEAST, 1)
    below, check = lowest_id_at(month), f"ck_{first}"
    is_empty = connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first() is None  # noqa: S608
    if not is_empty:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}")
        rule = f"CHECK ({key} < '{below}') NOT VALID"
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {check} {rule}")
        connection.commit()
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
        connection.commit()
    else:
        month = month_of(now)
    op.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    definitions = _definitions(connection, table)
    op.execute(f"ALTER TABLE {table} RENAME TO {first}")
    for name in definitions:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_first")
    op.execute(f"CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS) PARTITION BY RANGE ({key})")
    for definition in definitions.values():
        op.execute(definition)
    if is_empty:
        op.execute(f"DROP TABLE {first}")
    else:
        bounds = f"FROM (MINVALUE) TO ('{below}')"
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES {bounds}")
        op.execute(f"ALTER TABLE {first} DROP CONSTRAINT {check}")
    create_default(connection, table)
    for later in range(MONTHS_AHEAD + 1):
        create_month(connection, table, key, month_of(month, later))


def into_one_table(table: str) -> None:
    """Undo `into_months`: all rows are copied, and others wait for that. Nothing on SQLite."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    op.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    definitions, whole = _definitions(connection, table), f"{table}_whole"
    op.execute(f"CREATE TABLE {whole} (LIKE {table} INCLUDING DEFAULTS)")
    op.execute(f"INSERT INTO {whole} SELECT * FROM {table}")  # noqa: S608
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {whole} RENAME TO {table}")
    for definition in definitions.values():
        op.execute(definition)


def _is_partitioned(connection: Connection, table: str) -> bool:
    kind = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)"
    return bool(connection.scalar(text(kind), {"table": table}))


def _definitions(connection: Connection, table: str) -> dict[str, str]:
    """The statements that make the table's indexes, by their names."""
    found = connection.execute(
        text(
            "SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid),"
            " pg_get_indexdef(indexrelid)"
            " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')"
            " WHERE indrelid = to_regclass(:table)"
        ),
        {"table": table},
    )
    return {
        name: index.replace(" ON ONLY ", " ON ")
        if constraint is None
        else f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {rule}"
        for name, constraint, rule, index in found
    }
