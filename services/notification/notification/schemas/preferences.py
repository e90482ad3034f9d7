"""What a person wants to hear, how, and when not, on the wire."""

import marshmallow as ma
from common.web.fields import Flag, Moment

from notification.schemas.fields import Clock, Language, Schema, TimeZone


class PreferenceIn(Schema):
    """What to change of a person's preference; the rest stays, or has its default.

    Quiet hours may span midnight.
    """

    allow_sms = Flag()
    allow_email = Flag()
    allow_in_app = Flag()
    preferred_lang = Language()
    quiet_from = Clock(allow_none=True)
    quiet_until = Clock(allow_none=True)
    time_zone = TimeZone(metadata={"description": "Of the quiet hours"})


class PreferenceOut(Schema):
    """A person's preference; `is_default`: they have not said any."""

    user_id = ma.fields.String(required=True)
    actor_type = ma.fields.String(required=True)
    allow_sms = ma.fields.Boolean(required=True)
    allow_email = ma.fields.Boolean(required=True)
    allow_in_app = ma.fields.Boolean(required=True)
    preferred_lang = ma.fields.String(required=True)
    quiet_from = Clock(required=True, allow_none=True)
    quiet_until = Clock(required=True, allow_none=True)
    time_zone = ma.fields.String(required=True)
    is_default = ma.fields.Boolean(required=True)
    updated_at = Moment(required=True, allow_none=True)
