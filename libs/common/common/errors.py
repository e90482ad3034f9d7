"""Domain errors know no HTTP. A service derives its tree from these and lists it in `errors.py`.

DomainError
├── NotFound       the thing that was named does not exist (for this caller)
├── Conflict       the act contradicts what is stored
│   └── Stale      the record was changed since the caller read it
├── TooLarge       the input is larger than what is read
├── UnsupportedMedia  the input has a type that is not read here
├── Invalid        the input breaks a rule; `errors` names the fields
├── Unauthenticated  nobody is known to ask
├── Forbidden      the caller is known and may not
├── TooManyRequests  the caller must wait
└── Unavailable    a part that is needed cannot be reached now
"""

from typing import Any


class DomainError(Exception):
    """Base of every expected failure; its text is meant for the caller."""


class NotFound(DomainError):
    """The thing that was named does not exist, or not for this caller."""


class Conflict(DomainError):
    """The act contradicts what is stored."""


class Stale(Conflict):
    """The record was changed since the caller read it."""


class TooLarge(DomainError):
    """The input is larger than what is read."""


class UnsupportedMedia(DomainError):
    """The input has a type that is not read here."""


class Invalid(DomainError):
    """The input breaks a rule; `errors` maps field names to lists of reasons."""

    def __init__(self, detail: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or {}


class Unauthenticated(DomainError):
    """Nobody is known to ask."""


class Forbidden(DomainError):
    """The caller is known and may not do this."""


class TooManyRequests(DomainError):
    """The caller tried too often; `retry_after_s` says how long to wait."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A part that is needed cannot be reached now."""
