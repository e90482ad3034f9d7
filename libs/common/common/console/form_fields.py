"""Fields of the console's forms: what people type, and what browsers make of it."""

import json
from typing import Any

import marshmallow as ma

from common.texts import _
from common.web.fields import Flag, JsonObject, Text


class Box(Flag):
    """Browsers send `true` for a box that is ticked, and nothing for one that is not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_default=False, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        return bool(value == "true")


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
