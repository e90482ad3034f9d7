"""The rows of the report, village by village, in batches; memory does not grow with the area."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.database import Database
from common.errors import Invalid
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from policy_notify.errors import UnknownRecord
from policy_notify.families import Mode, in_mode, of_officer
from policy_notify.members import first_member_with_phone, head_is_current
from policy_notify.models import Family, FamilyConsent, Insuree, LocationLevel, Officer
from policy_notify.places import Place, existing_place, places_within, way_up

BATCH = 1_000
NOBODY = "-"

_HEAD = aliased(Insuree, name="head")
_OTHER = aliased(Insuree, name="alternative")
#: The order within a village, with a value for families without a known head.
_CHF_ID = func.coalesce(_HEAD.chf_id, "")


@dataclass(frozen=True)
class ReportHeader:
    """What the report is about; empty where nothing was asked for."""

    region: str
    district: str
    officer: str
    mode: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One family. Places are `code name`; the alternative is `-` unless the head has no phone."""

    district: str
    municipality: str
    village: str
    chf_id: str
    given_name: str
    last_name: str
    phone: str
    approval: bool
    language: str
    alternative_name: str
    alternative_phone: str


@dataclass(frozen=True)
class Report:
    """A report that is ready to be read; its rows are found while they are taken."""

    header: ReportHeader
    rows: Iterator[ReportRow]


def prepare(
    database: Database,
    *,
    region: UUID | None,
    district: UUID | None,
    officer: UUID | None,
    mode: Mode,
) -> Report:
    """Check what is asked for. Raises Invalid (no area), UnknownRecord (no such uuid)."""
    if region is None and district is None:
        reason = ["regionUuid or districtUuid is required."]
        raise Invalid(reason[0], {"regionUuid": reason, "districtUuid": reason})
    with database.reading() as session:
        if region is not None:
            existing_place(session, region, LocationLevel.REGION)
        if district is not None:
            existing_place(session, district, LocationLevel.DISTRICT)
        area = district or region
        assert area is not None
        places = places_within(session, area)
        way = way_up(places, area)
        if region is not None and way.get(LocationLevel.REGION, places[area]).uuid != region:
            raise UnknownRecord("district in this region")
        header = ReportHeader(
            region=str(way.get(LocationLevel.REGION, "")),
            district=str(way.get(LocationLevel.DISTRICT, "")) if district else "",
            officer=_officer(session, officer),
            mode=mode.text,
        )
    criteria = [*in_mode(mode), *([of_officer(officer)] if officer else [])]
    within = {
        uuid for uuid in places if area in {one.uuid for one in way_up(places, uuid).values()}
    }
    return Report(header, _rows(database, places, within, criteria))


def _officer(session: Session, uuid: UUID | None) -> str:
    if uuid is None:
        return ""
    found = session.get(Officer, uuid)
    if found is None:
        raise UnknownRecord("officer")
    return f"{found.code} {found.other_names} {found.last_name}".strip()


def _rows(
    database: Database,
    places: dict[UUID, Place],
    within: set[UUID],
    criteria: list[ColumnElement[bool]],
) -> Iterator[ReportRow]:
    names = {uuid: _names(places, uuid) for uuid in within}
    for place in sorted(within, key=lambda uuid: (names[uuid], uuid)):
        query = _query().where(Family.location == place, *criteria)
        for row in _in_batches(database, query):
            yield _report_row(names[place], row)


def _names(places: dict[UUID, Place], uuid: UUID) -> tuple[str, str, str]:
    way = way_up(places, uuid)
    district = way.get(LocationLevel.DISTRICT, "")
    municipality = way.get(LocationLevel.MUNICIPALITY, "")
    return str(district), str(municipality), str(way.get(LocationLevel.VILLAGE, ""))


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(
            _CHF_ID.label("chf_id"),
            Family.uuid.label("family"),
            _HEAD.other_names,
            _HEAD.last_name,
            _HEAD.phone,
            FamilyConsent.approval,
            FamilyConsent.language,
            _OTHER.other_names.label("alternative_other_names"),
            _OTHER.last_name.label("alternative_last_name"),
            _OTHER.phone.label("alternative_phone"),
        )
        .outerjoin(_HEAD, head_is_current(_HEAD))
        .outerjoin(
            FamilyConsent,
            and_(FamilyConsent.family == Family.uuid, FamilyConsent.validity_to.is_(None)),
        )
        .outerjoin(
            _OTHER,
            and_(_HEAD.phone.is_(None), _OTHER.uuid == first_member_with_phone("uuid")),
        )
        .where(Family.validity_to.is_(None))
        .order_by(_CHF_ID, Family.uuid)
        .limit(BATCH)
    )


def _in_batches(database: Database, query: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    part = query
    while True:
        with database.reading() as session:
            rows = session.execute(part).all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1]
        is_later = or_(
            last.chf_id < _CHF_ID, and_(_CHF_ID.in_([last.chf_id]), Family.uuid > last.family)
        )
        part = query.where(is_later)


def _report_row(names: tuple[str, str, str], row: Any) -> ReportRow:
    has_other = row.alternative_phone is not None
    other = f"{row.alternative_other_names} {row.alternative_last_name}".strip()
    return ReportRow(
        *names,
        chf_id=row.chf_id,
        given_name=row.other_names or "",
        last_name=row.last_name or "",
        phone=row.phone or "",
        approval=bool(row.approval),
        language=row.language or "",
        alternative_name=other if has_other else NOBODY,
        alternative_phone=row.alternative_phone or NOBODY,
    )
