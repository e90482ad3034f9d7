"""Rows into SQLite: a statement is run for each row, all in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, bindparam, insert, update

from common.rows.statements import Insert, Row, Statement, Work
from common.write_turn import WriteTurn

#: The member of a row that a value comes from, and how it becomes one that the driver takes.
Bind = tuple[str, Callable[[Any], Any] | None]


class SqliteRows:
    """Writes rows through connections of `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._turn = WriteTurn(engine)
        self._prepared: dict[tuple[Statement, tuple[str, ...]], tuple[str, list[Bind]]] = {}

    def open(self, connection: Any) -> Any:
        """What `write` takes: the connection itself."""
        return connection

    def write(self, connection: Any, work: Sequence[Work]) -> None:
        """Commit all of `work`, or nothing."""
        runs = [self._bound(statement, rows) for statement, rows in work]
        with self._turn:
            try:
                connection.execute("BEGIN IMMEDIATE")
                for text, values in runs:
                    connection.executemany(text, values)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def _bound(self, statement: Statement, rows: list[Row]) -> tuple[str, list[list[Any]]]:
        kind = statement, tuple(rows[0])
        if kind not in self._prepared:
            self._prepared[kind] = self._compiled(statement, rows[0])
        text, binds = self._prepared[kind]
        return text, [[bind(row[of]) if bind else row[of] for of, bind in binds] for row in rows]

    def _compiled(self, statement: Statement, row: Row) -> tuple[str, list[Bind]]:
        values, keys, table = statement.values(row), statement.keys(), statement.table
        placed: dict[str, Any] = {name: bindparam(name) for name in values}
        compiled: Any = (
            insert(table).values(placed)
            if isinstance(statement, Insert)
            else update(table)
            .where(*(column == bindparam(name) for name, column in keys.items()))
            .values(placed)
        ).compile(dialect=self._dialect)
        columns = values | keys
        return compiled.string, [
            (name, columns[name].type.dialect_impl(self._dialect).bind_processor(self._dialect))
            for name in compiled.positiontup
        ]
