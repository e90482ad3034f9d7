"""A column that is one of many values."""

from collections.abc import Sequence
from typing import Any

from common.db.sealed_types import is_any_of
from sqlalchemy import ColumnElement, Dialect


def among(dialect: Dialect, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`.

    PostgreSQL takes them as one array: thousands of parameters cost more than the question.
    """
    if dialect.name != "postgresql":
        found: ColumnElement[bool] = column.in_(values)
        return found
    return is_any_of(dialect, column, values)
