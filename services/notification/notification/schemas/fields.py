"""Fields that several of this service's schemas share."""

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import available_timezones

import marshmallow as ma
from common.texts import N_, _
from common.web.fields import Integer, Line, Name
from marshmallow import validate

from notification.models.catalogue import LANGUAGE_CHARS, MAIL_ADDRESS_CHARS
from notification.models.lookups import CODE_CHARS
from notification.transports.mail import BadMailError, mailbox, trimmed

_CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_LANGUAGE = "[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*"


class TolerantSchema(ma.Schema):
    """Members that are not declared are ignored: what the Django mediator's clients send."""

    class Meta:
        unknown = ma.EXCLUDE


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class Code(Line):
    """A code: letters, digits, underscores, dots, dashes."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(
            _CODE, error=N_("Must be letters, digits, underscores, dots, dashes.")
        )
        super().__init__(min_length=1, max_length=CODE_CHARS, validate=rule, **kwargs)


class Language(Line):
    """A language, as `sw`, `en-GB` or `sw_TZ`; letter case does not matter. `blank`: or none."""

    def __init__(self, *, blank: bool = False, **kwargs: Any) -> None:
        pattern = f"^({_LANGUAGE}{'|' if blank else ''})$"
        rule = validate.Regexp(pattern, error=N_("Must be a language, as sw or en-GB."))
        super().__init__(max_length=LANGUAGE_CHARS, validate=rule, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return str(super()._deserialize(value, *args, **kwargs)).replace("_", "-").lower()


class Numbers(ma.fields.Field[str]):
    """A telephone number, or a list of them; they are kept comma-separated."""

    MAX_NUMBERS = 20
    MAX_CHARS = 64

    def __init__(self, **kwargs: Any) -> None:
        text = {"type": "string", "maxLength": self.MAX_CHARS, "pattern": Line.PATTERN}
        digits = {"type": "integer", "minimum": 0, "maximum": Id.HIGHEST}
        number = {"anyOf": [text, digits]}
        several = {"type": "array", "items": number, "maxItems": self.MAX_NUMBERS}
        super().__init__(metadata={"anyOf": [number, several]}, **kwargs)
        self._number = Line(max_length=self.MAX_CHARS)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        given = value if isinstance(value, list) else [value]
        numbers = [_digits(one) for one in given]
        if len(numbers) > self.MAX_NUMBERS:
            raise ma.ValidationError(
                _("Must be at most %(MAX_NUMBERS)s numbers.", MAX_NUMBERS=self.MAX_NUMBERS)
            )
        return ",".join(str(self._number.deserialize(one)) for one in numbers)


def _digits(value: Any) -> Any:
    """A whole number as its text; anything else as it is."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number and 0 <= value <= Id.HIGHEST else value


class Id(ma.fields.Field[str]):
    """Somebody's or something's id: text, or a whole number, which is kept as its text."""

    HIGHEST = 2**63 - 1

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        text = {"type": "string", "minLength": 1, "maxLength": max_length, "pattern": Name.PATTERN}
        number = {"type": "integer", "minimum": 0, "maximum": self.HIGHEST}
        super().__init__(metadata={"anyOf": [text, number]}, **kwargs)
        self._text = Name(max_length=max_length)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        return str(self._text.deserialize(_digits(value)))


class Count(ma.fields.Field[int]):
    """A whole number between `low` and `high`, or its digits as text."""

    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        number = {"type": "integer", "minimum": low, "maximum": high}
        digits = {"type": "string", "pattern": "^[0-9]{1,9}$"}
        super().__init__(metadata={"anyOf": [number, digits]}, **kwargs)
        self._number = Integer(low=low, high=high)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:
        is_digits = isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value)
        number: Any = self._number.deserialize(int(value) if is_digits else value)
        return int(number)


class Octets(ma.fields.Field[bytes]):
    """Any bytes, in base64."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "byte"}, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (TypeError, ValueError) as exc:
            raise ma.ValidationError(_("Must be base64.")) from exc


class Truth(ma.fields.Field[bool]):
    """A filter in a query: `true`, `1`, `yes`, `on` or their opposites, in any letter case."""

    WORDS: ClassVar = {
        **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
        **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
    }

    def __init__(self, *, metadata: Mapping[str, Any] = MappingProxyType({}), **kwargs: Any):
        word = {"type": "string", "pattern": f"^({'|'.join(map(_any_case, self.WORDS))})$"}
        super().__init__(metadata={"anyOf": [{"type": "boolean"}, word], **metadata}, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        found = self.WORDS.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise ma.ValidationError(_("Must be true or false."))
        return found


def _any_case(word: str) -> str:
    """A pattern of `word`, for documents: their patterns have no flags."""
    return "".join(f"[{one.upper()}{one}]" if one.isalpha() else one for one in word)


class Mailbox(Line):
    """An e-mail address."""

    #: For the document; what else a mailbox needs is said in a 422.
    PATTERN = r"^[A-Za-z0-9._+-]{1,60}@[A-Za-z0-9]{1,60}\.[a-z]{2,10}$"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAIL_ADDRESS_CHARS, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            mailbox(text)
        except BadMailError as exc:
            raise ma.ValidationError(f"{str(exc).capitalize()}.") from exc
        return trimmed(text)


class ErrorText(ma.fields.String):
    """What went wrong last; empty without anything, as the Django mediator's clients read it."""

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return super()._serialize(value, *args, **kwargs) or ""


class Clock(ma.fields.Time):
    """A time of day, as `21:30`."""

    PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": self.PATTERN, "example": "21:30"}
        super().__init__(format="%H:%M", metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(self.PATTERN, value):
            raise ma.ValidationError(_("Must be a time of day, as 21:30."))
        return super()._deserialize(value, *args, **kwargs)


class TimeZone(Line):
    """A time zone, as `Africa/Dar_es_Salaam`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        name = super()._deserialize(value, *args, **kwargs)
        if name not in available_timezones():
            raise ma.ValidationError(_("Not a time zone."))
        return name
