"""Finding events, as the page and the API do; and how they look on the wire."""

import json
from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy import Select, or_, select

from common.audit.models import AuditTables
from common.web.fields import Line, Moment
from common.web.paging import NumberedPageArgs


class AuditFilter(ma.Schema):
    """Which events; what is not given does not count."""

    who = Line(
        load_default=None, metadata={"example": "demo", "description": "A part of the actor's name"}
    )
    act = Line(
        load_default=None, metadata={"description": "How the act begins", "example": "channel."}
    )
    object = Line(
        load_default=None,
        metadata={"example": "Demo", "description": "Its id, or a part of its name"},
    )
    since = Moment(load_default=None, metadata={"description": "Inclusive"})
    until = Moment(load_default=None, metadata={"description": "Exclusive"})

    class Meta:
        unknown = ma.RAISE


class AuditArgs(NumberedPageArgs, AuditFilter):  # type: ignore[misc] # the same in their Meta
    """The query of the list."""


class JsonText(ma.fields.Dict):
    """A JSON object that is stored as text."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return None if value is None else json.loads(value)


class AuditEventOut(ma.Schema):
    """One act."""

    id = ma.fields.Integer(required=True)
    at = Moment(required=True)
    actor_kind = ma.fields.String(
        required=True, metadata={"description": "`staff`, `client` or `command`"}
    )
    actor = ma.fields.String(required=True)
    act = ma.fields.String(required=True, metadata={"example": "channel.updated"})
    object_kind = ma.fields.String(required=True)
    object_id = ma.fields.String(required=True)
    object_name = ma.fields.String(required=True)
    before = JsonText(required=True, allow_none=True)
    after = JsonText(required=True, allow_none=True)
    address = ma.fields.String(required=True)
    correlation_id = ma.fields.String(required=True)
    previous_hash = ma.fields.String(required=True)
    hash = ma.fields.String(required=True)


def matching(
    tables: AuditTables,
    *,
    who: str | None = None,
    act: str | None = None,
    object: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    """The events that meet the filters."""
    model = tables.events
    query = select(model)
    if who:
        query = query.where(model.actor.icontains(who, autoescape=True))
    if act:
        query = query.where(model.act.startswith(act, autoescape=True))
    if object:
        name = model.object_name.icontains(object, autoescape=True)
        query = query.where(or_(model.object_id == object, name))
    if since is not None:
        query = query.where(model.at >= since)
    if until is not None:
        query = query.where(model.at < until)
    return query
