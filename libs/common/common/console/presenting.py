"""How values look in every page: the filters of the console's templates."""

from datetime import datetime

from babel.numbers import format_decimal
from flask import Flask
from markupsafe import Markup

from common.clock import rfc3339
from common.console.pretty import pretty
from common.texts import N_, gettext, language, number

#: The built-in roles, as `word` looks them up.
ROLES = (N_("admin"), N_("observer"), N_("operator"), N_("viewer"))


def register_filters(app: Flask) -> None:
    """`value|utc`, `number|thousands`, `number|decimal`, `ms|duration`, `text|pretty` and so on."""
    app.jinja_env.filters.update(
        utc=utc,
        rfc3339=rfc3339,
        thousands=number,
        decimal=decimal,
        duration=duration,
        pretty=pretty,
        word=word,
        breakable=breakable,
    )


def utc(moment: datetime) -> str:
    """`2026-11-22 15:29:14.123 UTC`."""
    return f"{rfc3339(moment)[:23].replace('T', ' ').rstrip('Z')} UTC"


def decimal(value: float, digits: int = 2) -> str:
    """`1,234.50`, as the reader's language has it."""
    return format_decimal(value, f"#,##0.{'0' * digits}", locale=language())


def breakable(code: str) -> Markup:
    """`DEMO_<wbr>APPOINTMENT`: a code that is broken after an underscore where it must be."""
    return Markup("_<wbr>").join(code.split("_"))


def word(value: object) -> str:
    """A status or another value of an enum, in the reader's language."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    plain = text.replace("_", " ")
    translated = gettext(plain)
    return text if translated == plain else translated


def duration(ms: float) -> str:
    """Milliseconds as people read them: `0.4 ms`, `250 ms`, `1.25 s`, `3 min 20 s`, `2 h 5 min`."""
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
