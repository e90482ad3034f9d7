"""openIMIS's `familyFilterJson`: an object of GraphQL arguments of its family search, as texts."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import marshmallow as ma
from common.texts import _

from policy_notify.read_model.families import Mode

_PLACE = re.compile(r'parentLocation: "([^"]*)", ?parentLocationLevel: ?([0-3])')
_OFFICER = re.compile(r'officer: "([^"]*)"')
_MORE = re.compile(r'additionalFilter: "(.*)"', re.DOTALL)
#: Places by openIMIS's numbers.
_LEVELS = ("region", "district", "municipality", "village")
MAX_REMARK = 500


def read_filters(text: str) -> dict[str, Any]:
    """What the report is asked for: places by level, `officer`, `mode`; and `remark`.

    A filter that the report does not know, as by poverty, is named in the remark and not applied:
    nobody shall take the report for a smaller one. Raises ValidationError.
    """
    found: dict[str, Any] = {}
    unknown = []
    for given in _texts(text):
        if place := _PLACE.fullmatch(given):
            found[_LEVELS[int(place[2])]] = _uuid(place[1])
        elif officer := _OFFICER.fullmatch(given):
            found["officer"] = _uuid(officer[1])
        elif (more := _MORE.fullmatch(given)) and (mode := _mode(more[1])) is not None:
            found["mode"] = mode
        else:
            unknown.append(given)
    remark = f"not applied: {', '.join(unknown)}" if unknown else ""
    return {**found, "remark": remark[:MAX_REMARK]}


def _texts(text: str) -> list[str]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ma.ValidationError(_("Not JSON.")) from exc
    values = list(given.values()) if isinstance(given, Mapping) else given
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise ma.ValidationError(_("Not an object of texts."))
    return [" ".join(one.split()) for one in values]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as exc:
        raise ma.ValidationError(_("Holds a place or officer without a valid UUID.")) from exc


def _mode(escaped: str) -> Mode | None:
    """The mode in the filter's own JSON, whose quotes are escaped once or twice."""
    try:
        value = json.loads(escaped.replace("\\", ""))["policyNotification"]["mode"]["value"]
        return Mode(int(value))
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
