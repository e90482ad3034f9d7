"""Lists of the catalogue by what is asked for: the same filters in the API and on the pages."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from notification.models import Event, Rule, Template

_COLUMNS: Mapping[type[Any], Mapping[str, InstrumentedAttribute[Any]]] = {
    Event: {"module": Event.module, "active": Event.is_active},
    Rule: {"event_code": Rule.event_code, "active": Rule.is_active},
    Template: {
        "event_code": Template.event_code,
        "channel": Template.channel,
        "language": Template.language,
        "active": Template.is_active,
    },
}


def matching(model: type[Any], query: dict[str, Any]) -> Select[Any]:
    """The rows of `model` where each column is what its filter says; takes them out of `query`."""
    wanted = select(model)
    for name, column in _COLUMNS[model].items():
        value = query.pop(name)
        if value is not None:
            wanted = wanted.where(column == value)
    return wanted
