"""Templates on the wire, and how their words would look."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import Flag, JsonObject, Line, Moment, Tag, Text
from common.web.paging import PageArgs

from notification.emit.choose import MAX_BODY_CHARS, MAX_SUBJECT_CHARS
from notification.models import ChannelCode
from notification.schemas.fields import Code, Language, Schema, Truth

TRANSLITERATE = {
    "description": "Of an SMS: plain signs for curly quotes, dashes and the like, to stay in GSM-7"
}

MARKDOWN = {
    "description": "Of an e-mail: the body is Markdown; the mail has it as text and as HTML"
}
DIGEST_BODY = {
    "description": "What a digest of several messages says; `{count}`, `{list}` and `{event}` are "
    "filled; null: the list"
}


class TemplateArgs(PageArgs):
    """Which templates."""

    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=None)
    language = Language(load_default=None, metadata={"example": "en"})
    active = Truth(load_default=None, metadata={"example": "true"})


class TemplateIn(Schema):
    """The words of an event for a channel in a language; `{name}` is filled from the context."""

    event_code = Code(required=True, metadata={"example": "DEMO_APPOINTMENT"})
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    language = Language(required=True, metadata={"example": "fr"})
    subject = Line(
        max_length=MAX_SUBJECT_CHARS,
        load_default="",
        metadata={
            "example": "Votre rendez-vous du {date}",
            "description": "Of an e-mail; the title of an in-app message",
        },
    )
    body = Text(
        min_length=1,
        max_length=MAX_BODY_CHARS,
        required=True,
        metadata={"example": "{name}, vous avez un rendez-vous le {date}."},
    )
    transliterate = Flag(load_default=False, metadata=TRANSLITERATE)
    is_markdown = Flag(load_default=False, metadata=MARKDOWN)
    digest_body = Text(
        max_length=MAX_BODY_CHARS, load_default=None, allow_none=True, metadata=DIGEST_BODY
    )
    is_active = Flag(load_default=True)


class TemplateOut(Schema):
    """A version of an event's words."""

    id = ma.fields.UUID(required=True)
    etag = Tag()
    event_code = ma.fields.String(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    language = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    transliterate = ma.fields.Boolean(required=True)
    is_markdown = ma.fields.Boolean(required=True)
    digest_body = ma.fields.String(required=True, allow_none=True, metadata=DIGEST_BODY)
    version = ma.fields.Integer(required=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = Moment(required=True)


class PreviewIn(Schema):
    """A stored template by its id, or words that are not stored yet."""

    template_id = ma.fields.UUID(load_default=None, allow_none=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=ChannelCode.SMS)
    subject = Line(max_length=MAX_SUBJECT_CHARS, load_default="")
    body = Text(
        max_length=MAX_BODY_CHARS,
        load_default="",
        metadata={"example": "Dear {name}, you have an appointment on {date}."},
    )
    transliterate = Flag(load_default=False, metadata=TRANSLITERATE)
    is_markdown = Flag(load_default=False, metadata=MARKDOWN)
    context = JsonObject(
        load_default=dict, metadata={"example": {"name": "Asha", "date": "1 March"}}
    )

    @ma.validates_schema
    def _one_of_both(self, given: dict[str, Any], **_kwargs: Any) -> None:
        if bool(given["template_id"]) == bool(given["body"]):
            raise ma.ValidationError(_("Give a template_id or a body."), "template_id")


class SmsOut(Schema):
    """How a text travels as SMS."""

    encoding = ma.fields.String(required=True, metadata={"description": "`GSM-7` or `UCS-2`"})
    segments = ma.fields.Integer(required=True)
    foreign = ma.fields.String(
        required=True, metadata={"description": "The characters that GSM-7 lacks"}
    )


class SmsPriceOut(Schema):
    """What an SMS to one number costs over a provider that has a price."""

    provider = ma.fields.String(required=True)
    cost = ma.fields.Float(required=True)
    cost_if_plain = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "With `transliterate`"}
    )


class PreviewOut(Schema):
    """The words as they would be sent; a placeholder without a value stands as it was written."""

    subject = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    placeholders = ma.fields.List(ma.fields.String(), required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    rejection = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why it would not be sent"}
    )
    sms = ma.fields.Nested(SmsOut, required=True, allow_none=True)
    replaced = ma.fields.String(
        required=True, metadata={"description": "The characters that plain ones stand for"}
    )
    sms_if_plain = ma.fields.Nested(
        SmsOut,
        required=True,
        allow_none=True,
        metadata={"description": "How it would travel with `transliterate`, where that differs"},
    )
    costs = ma.fields.List(ma.fields.Nested(SmsPriceOut), required=True)
    html = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of an e-mail in Markdown: the page that mail programs show"},
    )
