"""Fields of the console's forms: what people type, and what browsers make of it."""

from typing import Any

import marshmallow as ma
from common.console.form_fields import BlankIsDefault
from common.texts import N_
from common.web.fields import Integer, Line, Text
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


class Whole(Integer):
    """A whole number as typed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(int(value), *args, **kwargs)
        except ValueError as exc:
            raise self.make_error("invalid", input=value) from exc


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
