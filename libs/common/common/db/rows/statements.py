"""What rows do to a table."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql, sqlite

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
class InsertSeveral:
    """What is added is several rows at once: `{"rows": [row, …]}`, each as for `insert`."""

    insert: Insert


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


@dataclass(frozen=True)
class Replace:
    """Rows are added to `table`, or take the place of those with the same primary key."""

    table: Table

    def values(self, row: Row) -> Sources:
        """What rows like `row` set."""
        return {name: self.table.c[name] for name in row}

    def keys(self) -> Sources:
        """A row's own key says which."""
        return {}


@dataclass(frozen=True)
class Remove:
    """Rows of `table` go whose columns `names` are what they hold as `key_…`."""

    table: Table
    names: tuple[str, ...]

    def values(self, _row: Row) -> Sources:
        """Nothing is set."""
        return {}

    def keys(self) -> Sources:
        """What says which row."""
        return {f"key_{name}": self.table.c[name] for name in self.names}


Statement = Insert | Change | Replace | Remove
#: What an act does: a statement for its row, or for the several rows that it holds.
Acting = Statement | InsertSeveral
#: A statement with its rows, at least one.
Work = tuple[Statement, list[Row]]


def replacing(added: postgresql.Insert | sqlite.Insert, table: Table) -> Any:
    """An INSERT that takes the place of rows with the same key."""
    keys = [column.name for column in table.primary_key]
    others = {column.name: column for column in added.excluded if column.name not in keys}
    return added.on_conflict_do_update(index_elements=keys, set_=others)
