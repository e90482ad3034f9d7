"""Webhooks on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import Flag, Line, Moment, Name, Tag
from common.web.paging import PageArgs

from notification.models.preferences import USER_ID_CHARS
from notification.schemas.fields import Code, Schema, Truth
from notification.transports.sms.settings import web_address

URL_CHARS = 2_000


class WebAddress(Line):
    """An `http` or `https` URL without credentials."""

    #: For the document; what else an address needs is said in a 422.
    PATTERN = r"^https?://[A-Za-z0-9]{1,60}\.[a-z]{2,10}/[A-Za-z0-9_/-]{0,200}$"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=URL_CHARS, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            return web_address(text.strip())
        except ValueError as exc:
            raise ma.ValidationError(f"{str(exc).capitalize()}.") from exc


class WebhookArgs(PageArgs):
    """Which webhooks."""

    user_id = Name(max_length=USER_ID_CHARS, load_default=None, metadata={"example": "17"})
    actor_type = Code(load_default=None, metadata={"example": "TEACHER"})
    active = Truth(load_default=None, attribute="is_active", metadata={"example": "true"})


class WebhookIn(Schema):
    """A recipient's webhook, or what to change of one."""

    user_id = Name(max_length=USER_ID_CHARS, required=True, metadata={"example": "18"})
    actor_type = Code(required=True, metadata={"example": "TEACHER"})
    url = WebAddress(required=True, metadata={"example": "https://school.example.org/kiungo"})
    is_active = Flag(load_default=True)


class WebhookOut(Schema):
    """Where a recipient's messages are posted to."""

    id = ma.fields.UUID(required=True)
    etag = Tag()
    user_id = ma.fields.String(required=True)
    actor_type = ma.fields.String(required=True)
    url = ma.fields.String(required=True)
    is_active = ma.fields.Boolean(required=True)
    stopped_reason = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it is not in use, when the receiver asked for that"},
    )
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class NewSecretOut(WebhookOut):
    """The same with its new secret, which is told once."""

    secret = ma.fields.String(
        required=True, metadata={"description": "`whsec_…`: what the receiver checks requests with"}
    )
