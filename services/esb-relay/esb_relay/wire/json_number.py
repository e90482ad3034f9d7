"""How Java's Jackson spells a number it has read into a tree."""

from decimal import Decimal

_LONGEST = 1000  # Jackson refuses longer numbers; they keep their spelling
_LEAST_PLAIN, _LEAST_SCIENTIFIC = 1e-3, 1e7  # between them Java and Python spell alike


def jackson_number(text: str) -> str:
    """`text`, a JSON number, as Jackson re-writes it where the value stays exactly the same.

    Integers keep their digits (`-0` becomes `0`). Others go through a Java double: `1.10` → `1.1`,
    `1e21` → `1.0E21`, `1E2` → `100.0`; but where a double cannot hold the value (too many digits,
    too large, too small) the spelling is kept: the value outranks the spelling.
    """
    if not any(mark in text for mark in ".eE"):
        return "0" if text == "-0" else text
    if len(text) > _LONGEST:
        return text
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return text
    spelled = java_double(value)
    if spelled == text or _same_value(text, spelled):
        return spelled
    return text


def java_double(value: float) -> str:
    """A finite double as `Double.toString` of Java 19 and later writes it: the shortest digits.

    Before Java 19 that method wrote more digits than needed for some very large, very small or
    long numbers (2.0E23 as 1.9999999999999998E23); such a receiver must check the raw bytes. Money,
    coordinates and measurements (up to 10 digits, 1 to 6 of them decimals) are spelled alike.
    """
    if _LEAST_PLAIN <= abs(value) < _LEAST_SCIENTIFIC:
        return repr(value)
    shortest = Decimal(repr(value)).normalize()
    if len(shortest.as_tuple().digits) == 1:
        # Java chooses among two-digit spellings: 4.9E-324, where Python's shortest is 5e-324.
        shortest = Decimal(f"{value:.1e}").normalize()
    if not shortest:
        return str(value)
    exponent = shortest.adjusted()
    mantissa = f"{shortest.scaleb(-exponent):f}"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{exponent}"


def _same_value(text: str, spelled: str) -> bool:
    if float(spelled) == 0.0:
        mantissa = text.lower().partition("e")[0]
        return not mantissa.strip("-0.")
    return Decimal(text) == Decimal(spelled)
