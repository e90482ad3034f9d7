"""Lists by what the query names."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute


def matching(
    model: type[Any], columns: Mapping[str, InstrumentedAttribute[Any]], query: dict[str, Any]
) -> Select[Any]:
    """The rows of `model` where each column is what its filter says; takes them out of `query`."""
    wanted = select(model)
    for name, column in columns.items():
        value = query.pop(name)
        if value is not None:
            wanted = wanted.where(column == value)
    return wanted
