"""Where families live: everything below a place, and its ancestors."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from policy_notify.errors import UnknownRecord
from policy_notify.models import Location, LocationLevel


def below(place: UUID) -> Select[UUID]:
    """The uuids of `place` and of every place within it; loops are tolerated."""
    within = select(Location.uuid).where(Location.uuid == place).cte(recursive=True)
    parts = select(Location.uuid).join(within, Location.parent == within.c.uuid)
    return select(within.union(parts).c.uuid)


@dataclass(frozen=True)
class Place:
    """A location by its code and name."""

    uuid: UUID
    code: str
    name: str
    level: LocationLevel
    parent: UUID | None

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


Ancestry = dict[LocationLevel, Place]


def existing_place(session: Session, uuid: UUID, level: LocationLevel) -> Place:
    """The place of that level. Raises UnknownRecord."""
    found = session.get(Location, uuid)
    if found is None or found.level is not level:
        raise UnknownRecord(level.name.lower())
    return Place(found.uuid, found.code, found.name, found.level, found.parent)


def ancestry(places: dict[UUID, Place], start: UUID | None) -> Ancestry:
    """The places from `start` upwards, by level, as far as `places` knows them. Pure."""
    by_level: Ancestry = {}
    here = places.get(start) if start else None
    while here is not None and here.level not in by_level:
        by_level[here.level] = here
        here = places.get(here.parent) if here.parent else None
    return by_level


def places_within(session: Session, area: UUID) -> dict[UUID, Place]:
    """Every place within `area`, with those above it."""
    columns = (Location.uuid, Location.code, Location.name, Location.level, Location.parent)
    rows = session.execute(select(*columns).where(Location.uuid.in_(below(area))))
    found = {row.uuid: Place(*row) for row in rows}
    above = found[area].parent if area in found else None
    while above is not None and above not in found:
        row = session.execute(select(*columns).where(Location.uuid == above)).one_or_none()
        if row is None:
            break
        found[above] = Place(*row)
        above = row.parent
    return found
