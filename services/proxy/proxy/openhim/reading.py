"""Members of OpenHIM's documents as they are written in the field: numbers as text, nulls. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from common.importing.report import LeftOut

Document = Mapping[str, Any]

MAX_PORT = 65_535


def text(document: Document, name: str) -> str:
    """A text without outer blanks; empty where there is none."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value).strip()


def texts(document: Document, name: str) -> list[str]:
    """The texts of a list, each once, blank ones left out."""
    found = (one.strip() for one in listed(document, name) if isinstance(one, str))
    return list(dict.fromkeys(one for one in found if one))


def listed(document: Document, name: str) -> list[Any]:
    """A list; empty where there is none."""
    value = document.get(name)
    return value if isinstance(value, list) else []


def flag(document: Document, name: str, *, default: bool = False) -> bool:
    """True or false, also as text."""
    value = document.get(name)
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return value if isinstance(value, bool) else default


def number(document: Document, name: str) -> float | None:
    """A finite number, also as text; None where there is none."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e12 else None


def port_of(document: Document) -> int | None:
    """A port; None where there is none. Raises LeftOut for what is none."""
    if document.get("port") in (None, ""):
        return None
    found = number(document, "port")
    if found is None or not found.is_integer() or not 0 < found <= MAX_PORT:
        raise LeftOut("has a port that is none")
    return int(found)


def moment_of(given: Any) -> datetime | None:
    """A time as OpenHIM answers it; None for what is none."""
    try:
        found = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
