"""The rows of the report, village by village; memory grows with the largest village only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.db.database import Database
from common.errors import Invalid
from common.texts import _
from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session, aliased

from policy_notify.errors import UnknownRecord
from policy_notify.models import Family, FamilyConsent, Insuree, LocationLevel, Officer
from policy_notify.read_model.existing import existing
from policy_notify.read_model.families import Mode, in_mode, of_officer
from policy_notify.read_model.members import first_member_with_phone, head_is_current
from policy_notify.read_model.places import Ancestry, Place, ancestry, existing_place, places_within

BATCH = 1_000
NOBODY = "-"

_HEAD = aliased(Insuree, name="head")
_OTHER = aliased(Insuree, name="alternative")


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
    alternative_given_name: str
    alternative_last_name: str
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
    municipality: UUID | None = None,
    village: UUID | None = None,
    remark: str = "",
) -> Report:
    """Check what is asked for: the smallest place counts. `remark`: what the header says besides.

    Raises Invalid (no area), UnknownRecord (no such uuid).
    """
    asked = {
        LocationLevel.REGION: region,
        LocationLevel.DISTRICT: district,
        LocationLevel.MUNICIPALITY: municipality,
        LocationLevel.VILLAGE: village,
    }
    given = {level: uuid for level, uuid in asked.items() if uuid is not None}
    if not given:
        reason = [_("regionUuid or districtUuid is required.")]
        raise Invalid(reason[0], {"regionUuid": reason, "districtUuid": reason})
    with database.reading() as session:
        for level, uuid in given.items():
            existing_place(session, uuid, level)
        smallest, area = list(given.items())[-1]
        places = places_within(session, area)
        by_level = ancestry(places, area)
        for level, uuid in given.items():
            if by_level.get(level, places[area]).uuid != uuid:
                raise UnknownRecord(f"{smallest.name.lower()} in this {level.name.lower()}")
        header = ReportHeader(
            region=str(by_level.get(LocationLevel.REGION, "")),
            district=_district(by_level, smallest),
            officer=_officer(session, officer),
            mode=f"{mode.text} ({remark})" if remark else mode.text,
        )
    criteria = [*in_mode(mode), *([of_officer(officer)] if officer else [])]
    within = {
        uuid for uuid in places if area in {one.uuid for one in ancestry(places, uuid).values()}
    }
    return Report(header, _rows(database, places, within, criteria))


def _district(by_level: Ancestry, smallest: LocationLevel) -> str:
    if smallest is LocationLevel.REGION:
        return ""
    below = "".join(
        f", {by_level[level]}"
        for level in (LocationLevel.MUNICIPALITY, LocationLevel.VILLAGE)
        if level in by_level
    )
    return f"{by_level.get(LocationLevel.DISTRICT, '')}{below}"


def _officer(session: Session, uuid: UUID | None) -> str:
    if uuid is None:
        return ""
    found = existing(session, Officer, uuid)
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
        # CHF ids are sealed: only here can they be put in order. A village is not large.
        rows = sorted(_in_batches(database, query), key=lambda row: (row.chf_id or "", row.family))
        for row in rows:
            yield _report_row(names[place], row)


def _names(places: dict[UUID, Place], uuid: UUID) -> tuple[str, str, str]:
    by_level = ancestry(places, uuid)
    district = by_level.get(LocationLevel.DISTRICT, "")
    municipality = by_level.get(LocationLevel.MUNICIPALITY, "")
    return str(district), str(municipality), str(by_level.get(LocationLevel.VILLAGE, ""))


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(
            _HEAD.chf_id,
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
            and_(_HEAD.number.is_(None), _OTHER.uuid == first_member_with_phone("uuid")),
        )
        .where(Family.validity_to.is_(None))
        .order_by(Family.uuid)
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
        part = query.where(Family.uuid > rows[-1].family)


def _report_row(names: tuple[str, str, str], row: Any) -> ReportRow:
    has_other = row.alternative_phone is not None
    return ReportRow(
        *names,
        chf_id=row.chf_id or "",
        given_name=row.other_names or "",
        last_name=row.last_name or "",
        phone=row.phone or "",
        approval=bool(row.approval),
        language=row.language or "",
        alternative_given_name=row.alternative_other_names if has_other else NOBODY,
        alternative_last_name=row.alternative_last_name if has_other else NOBODY,
        alternative_phone=row.alternative_phone or NOBODY,
    )
