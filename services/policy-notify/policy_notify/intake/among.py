"""A column that is one of many values."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Dialect, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def among(dialect: Dialect, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`.

    PostgreSQL takes them as one array: thousands of parameters cost more than the question.
    """
    if dialect.name != "postgresql":
        found: ColumnElement[bool] = column.in_(values)
        return found
    array = bindparam("among", list(values), ARRAY(column.type), unique=True)
    is_one: ColumnElement[bool] = column == any_(array)
    return is_one
