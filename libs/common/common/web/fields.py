"""Marshmallow fields that both databases can store whatever a caller sends."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from marshmallow import validate

from common.clock import rfc3339

MAX_INTEGER = 2**31 - 1
MAX_DEPTH = 64

#: Control characters and the line separators that are none, as part of a regular expression.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_storable(value: Any, depth: int = 0) -> None:
    """Refuse what PostgreSQL, UTF-8 or JSON cannot hold, and more than `MAX_DEPTH` levels."""
    if depth > MAX_DEPTH:
        raise ma.ValidationError("Nested too deeply.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ma.ValidationError("Must not contain numbers that are not finite.")
    if isinstance(value, str):
        found = _UNSTORABLE.search(value)
        if found:
            kind = "NUL characters" if found[0] == "\x00" else "unpaired surrogates"
            raise ma.ValidationError(f"Must not contain {kind}.")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            check_storable(key)
            check_storable(inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            check_storable(inner, depth + 1)


class Tag(ma.fields.String):
    """A record's entity tag, in lists as well: what `If-Match` names."""

    def __init__(self, **kwargs: Any) -> None:
        about = {"description": "For `If-Match`, as the header `ETag` has it", "example": '"7"'}
        super().__init__(**{"required": True, "dump_only": True, "metadata": about, **kwargs})


class Text(ma.fields.String):
    """Text of `min_length` to `max_length` characters."""

    #: For the document, where no validator brings a narrower one.
    PATTERN = r"^[^\u0000]*$"

    def __init__(self, *, min_length: int = 0, max_length: int = 255, **kwargs: Any) -> None:
        rules = [validate.Length(min_length or None, max_length), *_listed(kwargs)]
        if not any(isinstance(rule, validate.Regexp) for rule in rules):
            kwargs["metadata"] = {"pattern": self.PATTERN, **kwargs.get("metadata", {})}
        super().__init__(validate=rules, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        check_storable(text)
        return text


class Line(Text):
    """Text of one line that may be empty."""

    PATTERN = rf"^[^{_CONTROLS}]*$"

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        if _CONTROL.search(text):
            raise ma.ValidationError("Must be one line without control characters.")
        return text


class Name(Line):
    """Text of one line that is not blank; outer spaces go."""

    PATTERN = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"

    def __init__(self, *, max_length: int = 255, **kwargs: Any) -> None:
        super().__init__(min_length=1, max_length=max_length, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs).strip()
        if not text:
            raise ma.ValidationError("Must not be blank.")
        return text


class Integer(ma.fields.Integer):
    """A whole number between `low` and `high`; JSON text and fractions are refused."""

    def __init__(self, *, low: int = 0, high: int = MAX_INTEGER, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **kwargs)


class Flag(ma.fields.Boolean):
    """True or false; not the texts and numbers that people use for them."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Moment(ma.fields.AwareDateTime):
    """A time in RFC 3339, UTC on the way out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            moment: datetime = super()._deserialize(value, *args, **kwargs)
            return moment.astimezone(UTC)
        except OverflowError as exc:
            raise ma.ValidationError("Must be within the years 1 to 9999 in UTC.") from exc

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


class JsonObject(ma.fields.Dict):
    """A JSON object that can be stored, of at most `max_length` characters as JSON text."""

    def __init__(self, *, max_length: int = 65_536, **kwargs: Any) -> None:
        super().__init__(keys=ma.fields.String(), **kwargs)
        self._max_length = max_length

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        result = super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]
        check_storable(result)
        if len(json.dumps(result)) > self._max_length:
            raise ma.ValidationError(f"Must not be longer than {self._max_length} characters.")
        return result


def _listed(kwargs: dict[str, Any]) -> list[Any]:
    rules = kwargs.pop("validate", [])
    return list(rules) if isinstance(rules, (list, tuple)) else [rules]
