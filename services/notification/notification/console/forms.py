"""What the API takes as JSON, as browsers send it: boxes, texts with CRLF, blanks for nothing."""

from typing import Any

import marshmallow as ma
from common.console.form_fields import Box, JsonText, Typed
from common.texts import _
from common.web.fields import Integer, Line, Name

from notification.emit.choose import MAX_BODY_CHARS
from notification.models import ChannelCode
from notification.models.catalogue import MAIL_NAME_CHARS
from notification.models.preferences import USER_ID_CHARS
from notification.schemas.campaigns import HIGHEST_RATE, CampaignFilter, CampaignIn
from notification.schemas.catalogue import CASCADE_LEAST_S, DAY_S, EventIn, RuleIn
from notification.schemas.fields import Clock, Code, Language, Mailbox, Schema, TimeZone
from notification.schemas.messages import InboxArgs, MessageArgs
from notification.schemas.templates import TemplateIn
from notification.schemas.webhooks import WebhookIn


class BlankClock(Clock):
    """A time of day; blank: none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs) if value else None


class BlankInteger(Integer):
    """A whole number as typed; blank: none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = value.strip()
        if not text:
            return None
        is_whole = text.isascii() and text.isdigit() and len(text) < 12
        return super()._deserialize(int(text) if is_whole else text, *args, **kwargs)

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


class BlankLine(Line):
    """A line as typed; blank: none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value.strip(), *args, **kwargs) or None

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


class BlankMailbox(Mailbox):
    """An e-mail address as typed; blank: none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs) if value.strip() else None

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


class EventForm(EventIn):
    """An event."""

    sms_budget = BlankInteger(load_default=None)
    digest_after = BlankInteger(high=1_000, load_default=None)
    digest_window_s = BlankInteger(low=1, high=7 * DAY_S, load_default=None)
    sender_name = BlankLine(max_length=MAIL_NAME_CHARS, load_default=None)
    reply_to = BlankMailbox(load_default=None)

    description = Typed(max_length=2_000, load_default="")
    is_active = Box()
    context_schema = JsonText(load_default=None)


class RuleForm(RuleIn):
    """A rule."""

    channels = ma.fields.List(
        ma.fields.Enum(ChannelCode, by_value=ma.fields.String), load_default=list
    )
    cascade_after_s = BlankInteger(low=CASCADE_LEAST_S, high=DAY_S, load_default=None)
    order = Line(max_length=200, load_default="")
    is_active = Box()

    @ma.post_load
    def _in_order(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """The ticked channels as they are named; the others after them."""
        named = [one.strip().upper() for one in given.pop("order").split(",")]
        last = len(named)
        given["channels"] = sorted(
            given["channels"], key=lambda one: named.index(one) if one in named else last
        )
        return given


class TemplateForm(TemplateIn):
    """The next version of an event's words."""

    body = Typed(min_length=1, max_length=MAX_BODY_CHARS, required=True)
    digest_body = Typed(max_length=MAX_BODY_CHARS, load_default="")
    transliterate = Box()
    is_markdown = Box()
    is_active = Box()


class PreviewForm(TemplateForm):
    """Words while they are written, with the context to fill them."""

    context = JsonText(load_default=dict)


class WebhookForm(WebhookIn):
    """Where a recipient listens."""

    class Meta(WebhookIn.Meta):
        exclude = ("is_active",)


class WholeNumber(BlankInteger):
    """A whole number as typed."""

    def _validate(self, value: Any) -> None:
        if value is None:
            raise ma.ValidationError(_("Missing data for required field."))
        super()._validate(value)


class FilterText(CampaignFilter):
    """A campaign's filter as typed: on each line a column, `=`, and values with commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        lines = [line for line in value.splitlines() if line.strip()]
        pairs = [line.partition("=") for line in lines]
        if not all(equals for _, equals, _ in pairs):
            raise ma.ValidationError(
                _("Each line is a column, an equals sign, values with commas.")
            )
        found = {name: [one.strip() for one in values.split(",")] for name, _, values in pairs}
        return super()._deserialize(found, *args, **kwargs)


class CampaignForm(CampaignIn):
    """A campaign."""

    context = JsonText(load_default=dict)
    only = FilterText(load_default=dict)
    rate = WholeNumber(low=1, high=HIGHEST_RATE, required=True)


class RateForm(Schema):
    """How fast a campaign runs."""

    rate = WholeNumber(low=1, high=HIGHEST_RATE, required=True)


class UseForm(ma.Schema):
    """Whether something is to be in use."""

    is_active = Box()


class OutboxFilter(MessageArgs):
    """Which messages."""

    event_code = Code(load_default=None)
    user_id = Name(max_length=USER_ID_CHARS, load_default=None)


class InboxFilter(InboxArgs):
    """Whose in-app messages, and which."""

    user_id = Name(max_length=USER_ID_CHARS, load_default=None)


class PersonForm(Schema):
    """A person."""

    actor_type = Code(required=True)
    user_id = Name(max_length=USER_ID_CHARS, required=True)


class PreferenceForm(PersonForm):
    """What a person wants to hear, how, and when not."""

    allow_sms = Box()
    allow_email = Box()
    allow_in_app = Box()
    preferred_lang = Language(required=True)
    quiet_from = BlankClock(required=True)
    quiet_until = BlankClock(required=True)
    time_zone = TimeZone(required=True)
