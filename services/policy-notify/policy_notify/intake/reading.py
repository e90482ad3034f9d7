"""How records are read: what the scheme decides about them, for all fields below a call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

from policy_notify.config import Settings


@dataclass(frozen=True)
class Reading:
    """`zone`: of times without one. `region`: of numbers without a country code.

    `date_format`: of days that are not written as 2026-12-31 (strptime). `ignores_unknown`: members
    that are not declared are left out instead of rejected.
    """

    zone: tzinfo = UTC
    region: str = "TZ"
    languages: tuple[str, ...] = ("en", "fr", "sw")
    date_format: str | None = None
    ignores_unknown: bool = False


def reading_of(settings: Settings, **changes: Any) -> Reading:
    """How the scheme's records are read, with `changes` for one call."""
    own = Reading(settings.scheme_timezone, settings.phone_region, settings.languages)
    return replace(own, **changes)


_CURRENT: ContextVar[Reading] = ContextVar("reading")
_PLAIN = Reading()


def current_reading() -> Reading:
    """The reading that holds here."""
    return _CURRENT.get(_PLAIN)


@contextmanager
def reading_as(reading: Reading) -> Iterator[None]:
    """Within: records are read so."""
    token = _CURRENT.set(reading)
    try:
        yield
    finally:
        _CURRENT.reset(token)
