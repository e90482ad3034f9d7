"""Numbers in JSON keep the way they were written: `1500.00` is an amount, not 1500.0. Pure."""

from decimal import Decimal
from typing import Any


class WrittenFloat(float):
    """A number that knows how it was written; it counts and is stored as a float."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, text: str) -> "WrittenFloat":
        """For `parse_float` of a JSON reader."""
        number = super().__new__(cls, text)
        number.written = text
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        return WrittenFloat, (self.written,)


def number_text(number: float) -> str:
    """A number as people read it: as it was written, in any case without an exponent of ours."""
    if isinstance(number, WrittenFloat):
        return number.written
    return format(Decimal(repr(number)), "f") if isinstance(number, float) else str(number)


def as_written(value: Any) -> Any:
    """A JSON value to be stored for words to come: numbers with a fraction as they were written."""
    if isinstance(value, dict):
        return {name: as_written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    return number_text(value) if isinstance(value, float) else value
