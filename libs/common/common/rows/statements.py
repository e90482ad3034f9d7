"""What rows do to a table."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

Row = dict[str, Any]
#: Members of a row, each with the column that it is for.
Sources = dict[str, Column[Any]]


@dataclass(frozen=True)
class Insert:
    """Rows are added to `table`. Those of a batch have the same members, named as its columns."""

    table: Table

    def values(self, row: Row) -> Sources:
        """What rows like `row` set."""
        return {name: self.table.c[name] for name in row}

    def keys(self) -> Sources:
        """Nothing says which row: it is a new one."""
        return {}


@dataclass(frozen=True)
class Change:
    """Rows set `names` where the primary key of `table` is what they hold as `key_…`."""

    table: Table
    names: tuple[str, ...]

    def values(self, _row: Row) -> Sources:
        """What rows set."""
        return {name: self.table.c[name] for name in self.names}

    def keys(self) -> Sources:
        """What says which row."""
        return {f"key_{column.name}": column for column in self.table.primary_key}


Statement = Insert | Change
#: A statement with its rows, at least one.
Work = tuple[Statement, list[Row]]
