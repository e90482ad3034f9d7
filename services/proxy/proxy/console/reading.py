"""What a page shows is read in one transaction that does not hold up other requests."""

from typing import Any

from common.console.listing import Fetch
from common.console.reading import Reading
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from proxy.container import container

_reading = Reading(lambda: container().database)
#: It may run in another thread, where there is no current app.
read = _reading.read


def rows_of(
    model: type[Any], query: Select[Any], key: InstrumentedAttribute[Any] | None = None
) -> Fetch:
    """Reads pages of `query`, newest records first: by their ids, unless there is another `key`."""
    return _reading.rows_of(lambda: query, model.id if key is None else key)


def matching(
    model: type[Any],
    named: tuple[InstrumentedAttribute[str], ...],
    *,
    name: str | None = None,
    **equal: Any,
) -> Select[Any]:
    """The records with `name` in one of the columns `named`, and these values."""
    query = select(model).filter_by(**equal)
    if name is None:
        return query
    return query.where(or_(*(column.icontains(name, autoescape=True) for column in named)))
