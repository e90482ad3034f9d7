"""What pages read: lists by pages, and what a field offers to choose from."""

from collections.abc import Sequence

from common.console.reading import Reading
from common.texts import _
from sqlalchemy import select

from notification.container import container
from notification.models import Event, Lookup

#: So many codes are offered where one is typed.
_CODES_OFFERED = 500

rows_of = Reading(lambda: container().database).rows_of


def choices(model: type[Lookup]) -> list[tuple[str, str]]:
    """A vocabulary's codes with their names."""
    with container().database.reading() as session:
        found = session.scalars(select(model).order_by(model.id))
        return [(one.code, _(one.name)) for one in found]


def event_codes() -> Sequence[str]:
    """The codes of events, to choose from."""
    with container().database.reading() as session:
        query = select(Event.code).order_by(Event.code).limit(_CODES_OFFERED)
        return session.scalars(query).all()
