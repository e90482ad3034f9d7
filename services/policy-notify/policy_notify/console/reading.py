"""What pages read: lists by pages, and what filters offer to choose from."""

from dataclasses import dataclass

from common.console.reading import Reading
from sqlalchemy import select
from sqlalchemy.orm import Session

from policy_notify.container import container
from policy_notify.models import Location, LocationLevel, Officer

#: So many officers are offered at most; a scheme has some hundred.
_MOST = 2_000

Options = list[tuple[str, str]]

rows_of = Reading(lambda: container().database).rows_of


@dataclass(frozen=True)
class Offered:
    """The options of the filters."""

    regions: Options
    districts: Options
    officers: Options


def offered(session: Session) -> Offered:
    """Everything there is to choose from, by code."""
    return Offered(
        regions=_places(session, LocationLevel.REGION),
        districts=_places(session, LocationLevel.DISTRICT),
        officers=officers(session),
    )


def officers(session: Session) -> Options:
    """The officers by code."""
    found = session.scalars(select(Officer).order_by(Officer.code).limit(_MOST))
    return [(str(one.uuid), f"{one.code} {one.other_names} {one.last_name}") for one in found]


def _places(session: Session, level: LocationLevel) -> Options:
    query = select(Location).where(Location.level == level).order_by(Location.code).limit(_MOST)
    return [(str(one.uuid), f"{one.code} {one.name}") for one in session.scalars(query)]
