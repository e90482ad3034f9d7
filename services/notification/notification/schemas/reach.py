"""People who cannot be reached, on the wire."""

import marshmallow as ma
from common.web.fields import Moment, Name
from common.web.paging import PageArgs

from notification.models import ChannelCode
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.fields import Code, Schema, Truth


class UnreachableArgs(PageArgs):
    """Which addresses."""

    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, load_default=None)
    user_id = Name(max_length=USER_ID_CHARS, load_default=None, metadata={"example": "17"})
    actor_type = Code(load_default=None, metadata={"example": "TEACHER"})
    skipped = Truth(
        load_default=None,
        metadata={"example": "false", "description": "Whether new messages do not go there"},
    )


class UnreachableOut(Schema):
    """A person's address where messages failed for good, and nothing has arrived since."""

    id = ma.fields.UUID(required=True)
    user_id = ma.fields.String(required=True)
    actor_type = ma.fields.String(required=True)
    channel = ma.fields.Enum(ChannelCode, by_value=ma.fields.String, required=True)
    address = ma.fields.String(required=True)
    failures = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    last_at = Moment(required=True)
