"""A record of another system becomes what an API would save, by the schemas of that API."""

import uuid
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from sqlalchemy.exc import IntegrityError

from common.errors import DomainError
from common.importing.report import LeftOut
from common.web.problems import first_reason

#: What saving a record may raise when it does not fit here.
DOES_NOT_FIT = (DomainError, IntegrityError)


def loaded(schema: ma.Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `schema` makes of the members that are given. Raises LeftOut naming the field."""
    there = {name: value for name, value in given.items() if value is not None}
    try:
        result: dict[str, Any] = schema.load(there)
    except ma.ValidationError as exc:
        raise LeftOut(first_reason(exc.normalized_messages())) from exc
    return result


def why(exc: Exception) -> str:
    """A reason for the report: a database's own words would hold the record."""
    if isinstance(exc, IntegrityError):
        return "another record here has its name, or what else is unique"
    return str(exc)


def reference(ids: Mapping[str, uuid.UUID], former_id: object, what: str) -> uuid.UUID:
    """The record here that `former_id` names. Raises LeftOut when it did not come over."""
    found = ids.get(str(former_id))
    if found is None:
        raise LeftOut(f"its {what} {former_id} did not come over")
    return found
