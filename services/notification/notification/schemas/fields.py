"""Fields that several of this service's schemas share."""

import re
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma
from common.fields import Line
from marshmallow import validate

from notification.models.catalogue import LANGUAGE_CHARS
from notification.models.lookups import CODE_CHARS

_CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_LANGUAGE = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class Code(Line):
    """A code: letters, digits, underscores, dots, dashes."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(_CODE, error="Must be letters, digits, underscores, dots, dashes.")
        super().__init__(min_length=1, max_length=CODE_CHARS, validate=rule, **kwargs)


class Language(Line):
    """A language, as `sw` or `en-GB`; letter case does not matter. `blank`: there may be none."""

    def __init__(self, *, blank: bool = False, **kwargs: Any) -> None:
        pattern = f"^({_LANGUAGE}{'|' if blank else ''})$"
        rule = validate.Regexp(pattern, error="Must be a language, as sw or en-GB.")
        super().__init__(max_length=LANGUAGE_CHARS, validate=rule, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs).lower()


class Numbers(ma.fields.Field[str]):
    """A telephone number, or a list of them; they are kept comma-separated."""

    MAX_NUMBERS = 20
    MAX_CHARS = 64

    def __init__(self, **kwargs: Any) -> None:
        number = {"type": "string", "maxLength": self.MAX_CHARS, "pattern": Line.PATTERN}
        several = {"type": "array", "items": number, "maxItems": self.MAX_NUMBERS}
        super().__init__(metadata={"anyOf": [number, several]}, **kwargs)
        self._number = Line(max_length=self.MAX_CHARS)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > self.MAX_NUMBERS:
            raise ma.ValidationError(f"Must be at most {self.MAX_NUMBERS} numbers.")
        return ",".join(str(self._number.deserialize(one)) for one in numbers)


class Truth(ma.fields.Boolean):
    """A filter in a query: the words `true` and `false`, and no others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class Clock(ma.fields.Time):
    """A time of day, as `21:30`."""

    PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": self.PATTERN, "example": "21:30"}
        super().__init__(format="%H:%M", metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(self.PATTERN, value):
            raise ma.ValidationError("Must be a time of day, as 21:30.")
        return super()._deserialize(value, *args, **kwargs)


class TimeZone(Line):
    """A time zone, as `Africa/Dar_es_Salaam`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        name = super()._deserialize(value, *args, **kwargs)
        if name not in available_timezones():
            raise ma.ValidationError("Not a time zone.")
        return name
