"""Campaigns on the wire."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from common.web.fields import Integer, JsonObject, Line, Moment, Name
from common.web.paging import PageArgs
from marshmallow import validate

from notification.campaigns.people import COLUMNS, Person, column_name
from notification.emit.event import Recipient
from notification.models import CampaignStatus, ChannelCode, RecipientStatus
from notification.models.campaigns import NAME_CHARS
from notification.schemas.emit import MAX_RECIPIENTS, RecipientIn
from notification.schemas.fields import Code, Schema

USUAL_RATE, HIGHEST_RATE = 600, 60_000
USUAL_PRIORITY = "LOW"
#: Columns of a filter, and values of each.
MOST_COLUMNS, MOST_VALUES, VALUE_CHARS = 10, 100, 255
VALUES_CHARS = 4_096
_RATE = {"description": "Messages a minute", "example": USUAL_RATE}


class CampaignFilter(ma.fields.Dict):
    """Who of a list is meant: by a column's name the values that count."""

    def __init__(self, **kwargs: Any) -> None:
        values = ma.fields.List(
            Line(max_length=VALUE_CHARS), validate=validate.Length(1, MOST_VALUES)
        )
        super().__init__(
            keys=Name(max_length=VALUE_CHARS),
            values=values,
            validate=validate.Length(max=MOST_COLUMNS),
            **kwargs,
        )

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]
        return {column_name(name): values for name, values in found.items()}


class CampaignIn(Schema):
    """A campaign: an event's words over one channel, for people who are added then."""

    name = Name(max_length=NAME_CHARS, required=True, metadata={"example": "Renewals 2027"})
    event_code = Code(
        required=True,
        metadata={"description": "Whose templates it sends", "example": "DEMO_APPOINTMENT"},
    )
    channel = ma.fields.Enum(
        ChannelCode, by_value=ma.fields.String, required=True, metadata={"example": "SMS"}
    )
    priority = Code(
        load_default=USUAL_PRIORITY,
        metadata={"description": "Any but CRITICAL", "example": USUAL_PRIORITY},
    )
    context = JsonObject(
        load_default=dict,
        metadata={
            "description": "Fills the placeholders, where a person's own values do not",
            "example": {"office": "Dodoma"},
        },
    )
    only = CampaignFilter(  # type: ignore[assignment]
        load_default=dict,
        metadata={
            "description": "Who of the lists is meant: by a column the values that count",
            "example": {"district": ["Kondoa", "Chemba"]},
        },
    )
    rate = Integer(low=1, high=HIGHEST_RATE, load_default=USUAL_RATE, metadata=_RATE)


class CampaignArgs(PageArgs):
    """Which campaigns."""

    status = ma.fields.Enum(CampaignStatus, by_value=ma.fields.String, load_default=None)
    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})


class PersonIn(RecipientIn):
    """A person of a campaign, with values of their own."""

    values = JsonObject(
        load_default=dict,
        max_length=VALUES_CHARS,
        metadata={
            "description": "Fill this person's placeholders, and are what `only` asks for",
            "example": {"name": "Asha", "district": "Kondoa"},
        },
    )

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Any:
        values = given.pop("values")
        known: dict[str, Any] = {name: value or None for name, value in given.items()}
        return Person(Recipient(**known), values)


class PeopleIn(Schema):
    """People to be added."""

    recipients = ma.fields.List(
        ma.fields.Nested(PersonIn),
        required=True,
        validate=validate.Length(1, MAX_RECIPIENTS),
        metadata={
            "example": [
                {
                    "user_id": "TSC/2019/00123",
                    "actor_type": "TEACHER",
                    "to_phone": "0712345678",
                    "preferred_lang": "sw",
                    "values": {"name": "Asha", "district": "Kondoa"},
                }
            ]
        },
    )


class RejectedOut(Schema):
    """A line that cannot be read."""

    line = ma.fields.Integer(required=True, metadata={"example": 17})
    reason = ma.fields.String(required=True)


class AddedOut(Schema):
    """What became of a list."""

    added = ma.fields.Integer(required=True, metadata={"example": 812})
    repeated = ma.fields.Integer(
        required=True, metadata={"description": "Were on the list already", "example": 3}
    )
    filtered_out = ma.fields.Integer(
        required=True, metadata={"description": "Are not meant by `only`", "example": 190}
    )
    people = ma.fields.Integer(
        required=True, metadata={"description": "On the list now", "example": 812}
    )
    rejected = ma.fields.List(
        ma.fields.Nested(RejectedOut),
        required=True,
        metadata={"description": "The first 100 lines that cannot be read"},
    )
    rejected_count = ma.fields.Integer(required=True, metadata={"example": 1})


class ApprovalIn(Schema):
    """An approval of what a dry run has shown."""

    fingerprint = Name(
        max_length=64,
        required=True,
        metadata={"description": "The dry run's", "example": "5f1c9ad0c7c94e0b9d8f6d3a2b1e0f4c"},
    )


class LanguageOut(Schema):
    """The messages of a dry run in one language."""

    language = ma.fields.String(required=True, metadata={"example": "sw"})
    template_id = ma.fields.UUID(required=True)
    template_version = ma.fields.Integer(required=True)
    messages = ma.fields.Integer(required=True)
    segments = ma.fields.Integer(required=True)


class CampaignCostOut(Schema):
    """What a dry run's SMS would cost over a provider."""

    provider = ma.fields.String(required=True)
    cost = ma.fields.Float(required=True)


class DryRunOut(Schema):
    """What a campaign would do now."""

    fingerprint = ma.fields.String(
        required=True, metadata={"description": "What an approval names"}
    )
    at = ma.fields.String(required=True, metadata={"format": "date-time"})
    people = ma.fields.Integer(required=True)
    messages = ma.fields.Integer(required=True)
    merged = ma.fields.Integer(
        required=True, metadata={"description": "People whose phone gets the text already"}
    )
    left_out = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"example": {"Blocked by user preference": 12}},
    )
    filtered_out = ma.fields.Integer(required=True)
    languages = ma.fields.List(ma.fields.Nested(LanguageOut), required=True)
    segments = ma.fields.Integer(required=True)
    costs = ma.fields.List(ma.fields.Nested(CampaignCostOut), required=True)
    currency = ma.fields.String(required=True, metadata={"example": "TZS"})
    sms_budget = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "The event's, of a month"}
    )
    budget_spent = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "Of it, in this month"}
    )


class ProgressOut(Schema):
    """How far a campaign has come."""

    people = ma.fields.Integer(required=True)
    waiting = ma.fields.Integer(required=True, metadata={"description": "Nothing queued yet"})
    left_out = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    messages = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"description": "By their status", "example": {"SENT": 812}},
    )


class CampaignOut(Schema):
    """A campaign."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    event_code = ma.fields.String(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    priority = ma.fields.String(required=True)
    context = ma.fields.Dict(required=True)
    only = ma.fields.Dict(required=True)  # type: ignore[assignment]
    rate = ma.fields.Integer(required=True, metadata=_RATE)
    status = ma.fields.Enum(CampaignStatus, by_value=ma.fields.String, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    authors = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "None of them approves it"}
    )
    approved_by = ma.fields.String(required=True, allow_none=True)
    approved_at = Moment(required=True, allow_none=True)
    filtered_out = ma.fields.Integer(required=True)
    dry_run = ma.fields.Nested(DryRunOut, required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class WholeCampaignOut(CampaignOut):
    """A campaign with its progress."""

    progress = ma.fields.Nested(ProgressOut, required=True)


class CampaignRecipientArgs(PageArgs):
    """Which people of a campaign."""

    status = ma.fields.Enum(RecipientStatus, by_value=ma.fields.String, load_default=None)
    reason = Line(
        load_default=None,
        metadata={
            "example": "NO_ADDRESS",
            "description": "Left out for it, or would be, as the last dry run has it",
        },
    )


class CampaignRecipientOut(Schema):
    """A person of a campaign, without addresses."""

    user_id = ma.fields.String(required=True)
    actor_type = ma.fields.String(required=True)
    status = ma.fields.Enum(RecipientStatus, by_value=ma.fields.String, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    outbox_id = ma.fields.UUID(required=True, allow_none=True)


_PERSON = PersonIn()


def person_of(cells: Mapping[str, str]) -> Person | str:
    """The person of a row of CSV, or why there is none in it."""
    values = {name: cell for name, cell in cells.items() if name not in COLUMNS}
    known = {name: cell for name, cell in cells.items() if name in COLUMNS}
    try:
        found: Person = _PERSON.load({**known, "values": values})
    except ma.ValidationError as exc:
        name, why = next(iter(exc.normalized_messages().items()))
        return f"{name}: {why[0] if isinstance(why, list) else 'Invalid.'}"
    return found
