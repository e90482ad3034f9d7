"""An event on the wire, and what became of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import marshmallow as ma
import msgspec
from common.clock import utc_now
from common.texts import _
from common.web.fields import JsonObject, Line, Moment, Name
from marshmallow import validate

from notification.emit.event import DEFAULT_MAX_ATTEMPTS, Emission, Recipient, Skip, Suppressed
from notification.mails.attachments import (
    MAX_ATTACHMENTS,
    MEDIA_TYPE,
    Attachment,
    file_name,
)
from notification.models import ChannelCode
from notification.models.keys import REQUEST_KEY_CHARS
from notification.models.lookups import CODE_CHARS
from notification.models.outbox import ENTITY_CHARS
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.fields import (
    Code,
    Count,
    Id,
    Language,
    Numbers,
    Octets,
    Schema,
    TolerantSchema,
)

MAX_RECIPIENTS = 10_000
MAX_ATTEMPTS = 50
PAYLOAD_CHARS = 16_384
FURTHEST = timedelta(days=366)

_OPTIONAL: dict[str, Any] = {"load_default": None, "allow_none": True}


class RecipientIn(TolerantSchema):
    """A person; without an address, a message that needs one is refused when it is sent."""

    user_id = Id(required=True, max_length=USER_ID_CHARS)
    actor_type = Name(required=True, max_length=CODE_CHARS)
    to_phone = Numbers(**_OPTIONAL)
    to_email = Line(max_length=320, **_OPTIONAL)
    preferred_lang = Language(blank=True, **_OPTIONAL)

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Recipient:
        """What is blank is as good as missing."""
        members: dict[str, Any] = {name: value or None for name, value in given.items()}
        return Recipient(**members)


_PLAIN = r"^[!-~]+\Z"


class _Plain(msgspec.Struct, gc=False):
    """A recipient as most are written: nothing in it has to be mended or explained."""

    user_id: Annotated[str, msgspec.Meta(max_length=USER_ID_CHARS, pattern=_PLAIN)]
    actor_type: Annotated[str, msgspec.Meta(max_length=CODE_CHARS, pattern=_PLAIN)]
    to_phone: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9]{1,20}\Z")] | None = None
    to_email: Annotated[str, msgspec.Meta(max_length=320, pattern=_PLAIN)] | None = None
    preferred_lang: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}\Z")] | None = None


def plain_recipients(given: Any) -> list[Recipient] | None:
    """The people of a list that is plain throughout, in a tenth of the time; None: read it."""
    try:
        found = msgspec.convert(given, list[_Plain])
    except msgspec.ValidationError:
        return None
    return [
        Recipient(
            user_id=one.user_id,
            actor_type=one.actor_type,
            to_phone=one.to_phone,
            to_email=one.to_email,
            preferred_lang=one.preferred_lang,
        )
        for one in found
    ]


class Recipients(ma.fields.List[Any]):
    """People; one that cannot be read is left out with its reason, unless all of them are so."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ma.fields.Nested(RecipientIn), **kwargs)
        self._schema = RecipientIn(many=True)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        plain = plain_recipients(value)
        if plain is not None:
            return plain
        try:
            return list(self._schema.load(value))
        except ma.ValidationError as exc:
            reasons = exc.normalized_messages()
            if len(reasons) == len(value) or not all(isinstance(one, int) for one in reasons):
                raise
        good = [one for place, one in enumerate(value) if place not in reasons]
        bad = [_unreadable(value[place], why) for place, why in sorted(reasons.items())]
        return [*self._schema.load(good), *bad]


def _unreadable(given: Any, reasons: Mapping[str, Any]) -> Skip:
    """Who was left out, as far as it can be told, and why."""
    field, why = next(iter(reasons.items()))
    text = why[0] if isinstance(why, list) else next(iter(why.values()), ["Invalid."])[0]
    known = given if isinstance(given, dict) else {}
    user_id, actor_type = _shown(known.get("user_id")), _shown(known.get("actor_type"))
    return Skip(f"Bad recipient: {field}: {text}", None, user_id, actor_type)


def _shown(value: Any) -> str | None:
    """What a caller finds its record by."""
    return str(value)[:USER_ID_CHARS] if isinstance(value, (str, int)) else None


#: The one recipient's members at the top of an event, by their names in a recipient.
_AT_THE_TOP = {
    "recipient_user_id": "user_id",
    "recipient_actor_type": "actor_type",
    "to_phone": "to_phone",
    "to_email": "to_email",
    "preferred_lang": "preferred_lang",
}


class AttachmentIn(TolerantSchema):
    """A file that goes with the event's e-mails."""

    name = Name(required=True, max_length=255)
    media_type = Line(required=True, max_length=129, metadata={"example": "application/pdf"})
    content = Octets(required=True)

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Attachment:
        media_type = given["media_type"].lower()
        if not MEDIA_TYPE.fullmatch(media_type):
            raise ma.ValidationError(_("Must be a media type, as application/pdf."), "media_type")
        try:
            name = file_name(given["name"], media_type)
        except ValueError as exc:
            raise ma.ValidationError(str(exc), "name") from exc
        return Attachment(name, media_type, given["content"])


class EmitIn(TolerantSchema):
    """An event with its recipients, or with one recipient in the members at the top."""

    event_code = Code(required=True, metadata={"example": "DEMO_APPOINTMENT"})
    context = JsonObject(
        load_default=dict,
        metadata={"example": {"name": "Asha", "place": "Amana", "date": "1 March"}},
    )
    recipients = Recipients(
        load_default=list,
        validate=validate.Length(max=MAX_RECIPIENTS),
        metadata={"example": [{"user_id": "17", "actor_type": "TEACHER", "preferred_lang": "en"}]},
    )
    recipient_user_id = Id(max_length=USER_ID_CHARS, **_OPTIONAL)
    recipient_actor_type = Name(max_length=CODE_CHARS, **_OPTIONAL)
    to_phone = Numbers(**_OPTIONAL)
    to_email = Line(max_length=320, **_OPTIONAL)
    preferred_lang = Language(blank=True, **_OPTIONAL)
    idempotency_key = Name(
        max_length=REQUEST_KEY_CHARS, **_OPTIONAL, metadata={"example": "appointment-17"}
    )
    entity_type = Name(max_length=ENTITY_CHARS, **_OPTIONAL)
    entity_id = Id(max_length=ENTITY_CHARS, **_OPTIONAL)
    payload = JsonObject(max_length=PAYLOAD_CHARS, **_OPTIONAL)
    attachments = ma.fields.List(
        ma.fields.Nested(AttachmentIn),
        load_default=list,
        validate=validate.Length(max=MAX_ATTACHMENTS),
    )
    max_attempts = Count(low=1, high=MAX_ATTEMPTS, load_default=DEFAULT_MAX_ATTEMPTS)
    send_at = Moment(**_OPTIONAL, metadata={"description": "Not before; at most 366 days ahead"})

    @ma.validates("send_at")
    def _check_send_at(self, moment: datetime | None, **_kwargs: Any) -> None:
        if moment is not None and moment > utc_now() + FURTHEST:
            raise ma.ValidationError(_("Must be at most 366 days ahead."))

    @ma.post_load
    def _make(self, given: dict[str, Any], **_kwargs: Any) -> Emission:
        one: dict[str, Any] = {
            name: given.pop(member) or None for member, name in _AT_THE_TOP.items()
        }
        if any(one.values()):
            _check_one(one, bool(given["recipients"]))
            given["recipients"] = [Recipient(**one)]
        found = given.pop("recipients")
        people = [one for one in found if isinstance(one, Recipient)]
        unreadable = [one for one in found if isinstance(one, Skip)]
        return Emission(**given, recipients=people, unreadable=unreadable)


def _check_one(recipient: Mapping[str, str | None], has_others: bool) -> None:
    for member, name in _AT_THE_TOP.items():
        if has_others and recipient[name]:
            raise ma.ValidationError(_("Not beside recipients."), member)
        if name in ("user_id", "actor_type") and not recipient[name]:
            raise ma.ValidationError(_("Missing data for required field."), member)


class SkipOut(Schema):
    """What was not queued; of its members those that apply."""

    reason = ma.fields.String(required=True)
    rule_id = ma.fields.UUID()
    recipient_user_id = ma.fields.String(attribute="user_id", dump_only=True)
    user_id = ma.fields.String(metadata={"description": "The same"})
    actor_type = ma.fields.String()
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String)
    outbox_id = ma.fields.UUID(metadata={"description": "The message that was queued before"})

    @ma.post_dump
    def _applying(self, made: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in made.items() if value is not None}


class EmittedOut(Schema):
    """What became of an event."""

    ok = ma.fields.Boolean(required=True, dump_default=True)
    disposition = ma.fields.String(required=True, validate=validate.OneOf(["queued", "suppressed"]))
    event_code = ma.fields.String(required=True)
    reason = ma.fields.Function(
        lambda emitted: emitted.reason or "",
        required=True,
        metadata={
            "type": "string",
            "enum": ["", *Suppressed],
            "description": "Why nothing was queued; empty when something was",
        },
    )
    queued_count = ma.fields.Integer(required=True)
    queued_outbox_ids = ma.fields.List(ma.fields.UUID(), required=True)
    skipped = ma.fields.List(ma.fields.Nested(SkipOut), required=True)
    recipients_merged = ma.fields.Integer(
        required=True,
        metadata={"description": "People who get the same text on the phone of another one"},
    )
