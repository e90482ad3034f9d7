"""Fields of the console's forms: what people type, and what browsers make of it."""

import json
from typing import Any

import marshmallow as ma
from common.texts import N_, _
from common.web.fields import Flag, Integer, JsonObject, Line, Text
from marshmallow import validate

from proxy.schemas.clients import PRINTABLE
from proxy.schemas.fields import Positive, Several
from proxy.schemas.staff import MIN_PASSWORD_LENGTH


class Lines(Several):
    """Several texts, typed one a line; blank lines are none."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        lines = [line.strip() for text in value for line in text.splitlines()]
        return super()._deserialize([line for line in lines if line], *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return "\n".join(value)


class Box(Flag):
    """Browsers send `true` for a box that is ticked, and nothing for one that is not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_default=False, **kwargs)

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


def typed_json(text: str) -> Any:
    """What `text` says as JSON. Raises ValidationError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ma.ValidationError(_("This is not JSON: %(exc)s.", exc=exc)) from exc


class JsonText(BlankIsDefault, JsonObject):
    """A JSON object as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(typed_json(value), *args, **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if value else None


class PositiveOrBlank(BlankIsDefault, Positive):
    """A number above 0, or none."""


class WholeOrBlank(BlankIsDefault, Whole):
    """A whole number as typed, or none."""


class TypedPassword(BlankIsDefault, Text):
    """A password; one that was left blank is not there at all."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(
            required=required, load_only=True, min_length=MIN_PASSWORD_LENGTH, max_length=256
        )


class TypedSecret(BlankIsDefault, Line):
    """A secret that a client has already; one that was left blank is not there at all."""

    def __init__(self) -> None:
        super().__init__(load_only=True, max_length=1024)


class TypedToken(BlankIsDefault, Text):
    """A custom token; blank: it stays as it is."""

    def __init__(self) -> None:
        super().__init__(
            load_only=True,
            min_length=8,
            max_length=1024,
            validate=validate.Regexp(
                PRINTABLE, error=N_("Must be printable ASCII without spaces.")
            ),
        )


class Chosen(BlankIsDefault, ma.fields.UUID):
    """The id of a record that was chosen from a list."""

    default_error_messages = {"required": "Choose one.", "invalid_uuid": "Choose one of the list."}
