"""What the console's forms send, where it differs from the API."""

import json
from typing import Any

import marshmallow as ma
from common.fields import Flag, Integer, JsonObject, Name, Text
from marshmallow import validate

from proxy.schemas.channels import LONGEST_TIMEOUT_S, ChannelIn, MatchIn
from proxy.schemas.clients import ClientIn
from proxy.schemas.fields import NetworkText, Schema, Several
from proxy.schemas.mediators import MediatorIn
from proxy.schemas.registrations import RegistrationIn
from proxy.schemas.staff import MIN_PASSWORD_LENGTH, StaffIn


class Lines(Several):
    """Several texts, typed one a line; blank lines are none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        lines = [line.strip() for text in value for line in text.splitlines()]
        return super()._deserialize([line for line in lines if line], *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return "\n".join(value)


class Box(Flag):
    """Browsers send `true` for a box that is ticked, and nothing for one that is not."""

    def __init__(self) -> None:
        super().__init__(load_default=False)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        return bool(value == "true")


class Whole(Integer):
    """A whole number as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(int(value), *args, **kwargs)
        except ValueError as exc:
            raise self.make_error("invalid", input=value) from exc


class Typed(Text):
    """Text of several lines. Browsers end each with CR and LF, whatever was pasted."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value.replace("\r\n", "\n"), *args, **kwargs)


class BlankIsDefault(ma.fields.Field[Any]):
    """Mixin: a field that was left blank is as good as not sent."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        is_blank = isinstance(value, str) and not value.strip()
        return super().deserialize(ma.missing if is_blank else value, *args, **kwargs)


class JsonText(BlankIsDefault, JsonObject):
    """A JSON object as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ma.ValidationError(f"This is not JSON: {exc}.") from exc
        return super()._deserialize(found, *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if value else None


class Seconds(BlankIsDefault, ma.fields.Float):
    """A length of time."""


class TypedPassword(BlankIsDefault, Text):
    """A password; one that was left blank is not there at all."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(
            required=required, load_only=True, min_length=MIN_PASSWORD_LENGTH, max_length=256
        )


class Chosen(BlankIsDefault, ma.fields.UUID):
    """The id of a record that was chosen from a list."""

    default_error_messages = {"required": "Choose one.", "invalid_uuid": "Choose one of the list."}


class NameFilter(Schema):
    """Which records: by a part of the name."""

    name = Name()


class RecordFilter(NameFilter):
    """Which records: by a part of the name, and by whether they are active."""

    is_active = ma.fields.Boolean()


class ClientForm(ClientIn):
    """A client, all but whether it is active: that has a button of its own."""

    allowed_ips = Lines(NetworkText(), load_default=list)
    roles = Lines(Name(max_length=100), load_default=list)

    class Meta:
        exclude = ("is_active",)


class RotateForm(Schema):
    """How to rotate a client's secret."""

    drop_others = Box()


class ChannelForm(ChannelIn):
    """A channel, all but whether it is active: that has a button of its own."""

    description = Typed(max_length=2000, load_default="")
    requires_request_body = Box()
    request_body_example = Typed(max_length=100_000, load_default="")
    request_body_schema = JsonText(load_default=None, max_length=200_000)
    priority = Whole(low=1, load_default=1)
    allow = Lines(Name(), load_default=list)
    timeout_s = Seconds(
        load_default=None,
        validate=validate.Range(0, LONGEST_TIMEOUT_S, min_inclusive=False),
    )
    store_request_body = Box()
    store_response_body = Box()
    keep_whole_bodies = Box()
    mediator_id = Chosen(required=True)

    class Meta:
        exclude = ("is_active",)


class TrialForm(MatchIn):
    """A call that might come, and the pattern as it is being typed; without one, as stored."""

    path_pattern = Text(max_length=1024, load_default=None)


class MediatorForm(MediatorIn):
    """A mediator, all but whether it is switched on: that has a button of its own."""

    config = JsonText(load_default=dict)

    class Meta:
        exclude = ("is_online",)


class RegistrationForm(RegistrationIn):
    """An organization's codes, all but whether they are in use: that has a button of its own."""

    channel_id = Chosen(load_default=None)

    class Meta:
        exclude = ("is_active",)


class NewMemberForm(StaffIn):
    """A member of staff who joins."""

    password = TypedPassword(required=True)

    class Meta:
        exclude = ("is_active",)


class MemberForm(NewMemberForm):
    """What to change of a member of staff."""

    password = TypedPassword()
