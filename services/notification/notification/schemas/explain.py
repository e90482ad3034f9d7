"""Why a person gets a message of an event or not, on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import Moment, Name

from notification.emit.explain import Step
from notification.models import ChannelCode
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.catalogue import RuleOut
from notification.schemas.deliveries import DeliveryLogOut
from notification.schemas.fields import Code, Schema
from notification.schemas.messages import MessageOut
from notification.schemas.preferences import PreferenceOut


class ExplainArgs(Schema):
    """An event and a person, or a message."""

    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})
    user_id = Name(max_length=USER_ID_CHARS, load_default=None, metadata={"example": "17"})
    actor_type = Code(load_default=None, metadata={"example": "TEACHER"})
    outbox_id = Name(
        max_length=64,
        load_default=None,
        metadata={"description": "Instead of event_code and user_id; blank: none", "example": ""},
    )

    @ma.pre_load
    def _blank_is_none(self, given: Any, **_kwargs: Any) -> dict[str, Any]:
        return {name: given[name] for name in given if name != "outbox_id" or given[name]}

    @ma.validates_schema
    def _one_of_both(self, given: dict[str, Any], **_kwargs: Any) -> None:
        event = given["event_code"], given["user_id"]
        everything = *event, given["actor_type"]
        if given["outbox_id"] is None and None in event:
            raise ma.ValidationError(_("Give event_code and user_id, or outbox_id."), "event_code")
        if given["outbox_id"] is not None and everything != (None, None, None):
            raise ma.ValidationError(
                _("Not beside event_code, user_id or actor_type."), "outbox_id"
            )


class TemplateUsedOut(Schema):
    """A version of an event's words."""

    id = ma.fields.UUID(required=True)
    language = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class DecisionOut(Schema):
    """What a rule would do for the person over a channel, if the event came now."""

    rule_id = ma.fields.UUID(required=True)
    actor_type = ma.fields.String(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True, allow_none=True)
    stopped_at = ma.fields.Enum(
        Step,
        by_value=ma.fields.String,
        required=True,
        allow_none=True,
        metadata={"description": "Null: a message would be queued"},
    )
    reason = ma.fields.String(required=True, allow_none=True)
    template = ma.fields.Nested(TemplateUsedOut, required=True, allow_none=True)
    placeholders = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "What the context must hold"}
    )
    not_before = Moment(required=True, allow_none=True)


class MessageHistoryOut(Schema):
    """A message that was made, with its attempts in their order."""

    message = ma.fields.Nested(MessageOut, required=True)
    attempts = ma.fields.List(ma.fields.Nested(DeliveryLogOut), required=True)


class ExplanationOut(Schema):
    """Event, rules, preferences, ways to the person, and the newest messages that were made."""

    event_code = ma.fields.String(required=True)
    is_event_active = ma.fields.Boolean(required=True)
    user_id = ma.fields.String(required=True)
    rules = ma.fields.List(ma.fields.Nested(RuleOut), required=True)
    preferences = ma.fields.List(ma.fields.Nested(PreferenceOut), required=True)
    decisions = ma.fields.List(ma.fields.Nested(DecisionOut), required=True)
    messages = ma.fields.List(ma.fields.Nested(MessageHistoryOut), required=True)
