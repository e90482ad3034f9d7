"""A row of openIMIS becomes a record of ours. Pure.

Rows are typed already, and there are millions: they are checked here, without a schema.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from common.clock import utc_now

from policy_notify.intake.fields import Day
from policy_notify.intake.reading import Reading
from policy_notify.intake.records import STAGE_CODES, STATUS_CODES, first_number
from policy_notify.models import LocationLevel, PolicyStage, PolicyStatus
from policy_notify.models.indications import SETTLED
from policy_notify.openimis.queries import SENT_COLUMNS

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Unusable(Exception):
    """Why a row cannot be taken; the field and the reason, without anybody's data."""


@dataclass(frozen=True)
class Translator:
    """Translates rows, read as the scheme reads them; `now` stands for a time that is missing."""

    reading: Reading
    now: datetime

    def record(self, kind: str, row: Mapping[Any, Any]) -> dict[str, Any]:
        """The record. Raises Unusable."""
        fill = _KINDS[kind]
        return {**fill(self, row), **self._validity(kind, row)}

    def indication(self, row: Mapping[Any, Any], failed: set[str]) -> dict[str, Any]:
        """When what was sent; what failed there is left to be tried here."""
        return {
            "policy": _uuid(row, "uuid"),
            **{name: self._sent_at(row[name], name in failed) for name in SENT_COLUMNS},
        }

    def _sent_at(self, moment: datetime | None, has_failed: bool) -> datetime | None:
        if moment is None:
            return None
        if moment.year > 1:
            return self.moment(moment)
        return None if has_failed else SETTLED

    def moment(self, value: datetime | None) -> datetime | None:
        """With the scheme's zone where there is none."""
        if value is None or value.tzinfo is not None:
            return value
        if not 1 < value.year < 9999:
            raise Unusable("a time outside the calendar")
        return value.replace(tzinfo=self.reading.zone)

    def _validity(self, kind: str, row: Mapping[Any, Any]) -> dict[str, Any]:
        since, until = self.moment(row["validity_from"]), self.moment(row["validity_to"])
        if kind == "consents":
            since = since or self.now
        return {"validity_from": since, "validity_to": until}

    def location(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A place."""
        try:
            level = LocationLevel((row["level"] or "").strip())
        except ValueError as exc:
            raise Unusable("LocationType is not R, D, W or V") from exc
        return {
            "uuid": _uuid(row, "uuid"),
            "code": _line(row["code"]),
            "name": _line(row["name"]),
            "level": level,
            "parent": _uuid_or_none(row, "parent"),
        }

    def officer(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """An enrolment officer."""
        names = ("code", "last_name", "other_names")
        return {"uuid": _uuid(row, "uuid"), **{name: _line(row[name]) for name in names}}

    def product(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A product."""
        return {
            "uuid": _uuid(row, "uuid"),
            "code": _line(row["code"]),
            "name": _line(row["name"]),
            "conversion_product": _uuid_or_none(row, "conversion_product"),
        }

    def family(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A family."""
        return {
            "uuid": _uuid(row, "uuid"),
            "location": _uuid_or_none(row, "location"),
            "head": _uuid_or_none(row, "head"),
        }

    def insuree(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A person."""
        phone = _line(row["phone"]) or None
        return {
            "uuid": _uuid(row, "uuid"),
            "chf_id": _line(row["chf_id"]),
            "last_name": _line(row["last_name"]),
            "other_names": _line(row["other_names"]),
            "phone": phone,
            "number": first_number(phone, self.reading.region) if phone else None,
            "family": _uuid_or_none(row, "family"),
        }

    def policy(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A policy."""
        status = STATUS_CODES.get(row["status"])
        stage = STAGE_CODES.get((row["stage"] or "").strip(), None)
        if status is None:
            raise Unusable("PolicyStatus is not 1, 2, 4, 8 or 16")
        if stage is None:
            raise Unusable("PolicyStage is not N or R")
        if row["start_date"] is None:
            raise Unusable("StartDate is missing")
        if status is PolicyStatus.EXPIRED and row["effective_date"] is None:
            # openIMIS ends every policy whose time is over, paid or not. This one never began.
            status = PolicyStatus.IDLE
        amount = row["amount_to_be_paid"]
        return {
            "uuid": _uuid(row, "uuid"),
            "family": _uuid(row, "family"),
            "product": _uuid(row, "product"),
            "officer": _uuid_or_none(row, "officer"),
            "status": status,
            "stage": PolicyStage(stage),
            "amount_to_be_paid": None if amount is None else f"{amount:.2f}",
            **{name: self._day(row[name], name) for name in _DAYS},
        }

    def _day(self, value: date | None, name: str) -> date | None:
        day = value.date() if isinstance(value, datetime) else value
        last = self.now.year + Day.YEARS_AHEAD
        if day is not None and not (day >= Day.FIRST and day.year <= last):
            raise Unusable(f"{name} is not a day from 1900 to {last}")
        return day

    def consent(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A family's consent."""
        return {
            "family": _uuid(row, "uuid"),
            "approval": bool(row["approval"]),
            "language": _line(row["language"]) or self.reading.languages[0],
        }


_DAYS = ("enroll_date", "start_date", "effective_date", "expiry_date")
_KINDS: dict[str, Callable[[Translator, Mapping[Any, Any]], dict[str, Any]]] = {
    "locations": Translator.location,
    "officers": Translator.officer,
    "products": Translator.product,
    "families": Translator.family,
    "insurees": Translator.insuree,
    "policies": Translator.policy,
    "consents": Translator.consent,
}


def translator(reading: Reading) -> Translator:
    """A translator as of now."""
    return Translator(reading, utc_now())


def known_by(row: Mapping[Any, Any]) -> list[UUID]:
    """The uuid of a row that cannot be taken; none, where that is what is wrong."""
    try:
        return [_uuid(row, "uuid")]
    except Unusable:
        return []


def _line(text: str | None) -> str:
    """One line; what an old entry form let through as line ends is a space."""
    if not text:
        return ""
    return text.strip() if text.isprintable() else _CONTROL.sub(" ", text).strip()


@lru_cache(maxsize=4096)  # neighbours in the source point at the same records
def _parsed(text: str) -> UUID:
    """The uuid; msgspec reads the usual spelling in a fraction of the time."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        return UUID(text.strip())


def _uuid_or_none(row: Mapping[Any, Any], name: str) -> UUID | None:
    value = row[name]
    try:
        return value if value is None or isinstance(value, UUID) else _parsed(value)
    except ValueError as exc:
        raise Unusable(f"{name} is not a uuid") from exc


def _uuid(row: Mapping[Any, Any], name: str) -> UUID:
    found = _uuid_or_none(row, name)
    if found is None:
        raise Unusable(f"{name} points at nothing")
    return found
