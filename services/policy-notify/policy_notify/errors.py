"""This service's domain errors; the statuses they answer with come from `common.web.problems`.

DomainError (common)
├── NotFound
│   └── UnknownRecord          an id in a URL or a mutation names nothing
├── Conflict
│   ├── ConsentExists          a family's consent is created a second time
│   └── RunInProgress          a run by hand while another one is on
├── Invalid
│   ├── BadConsent             approval is not true or false, or the language is not configured
│   └── BadBody                a bulk body that is neither a JSON array nor NDJSON, or too long
├── SourceError                openIMIS's database
│   ├── BadSource              its URL cannot be used
│   └── SourceAway             it cannot be reached, or is no openIMIS's
└── SendError                  a provider did not take a message
    ├── NotTaken               surely not: the next provider may try
    └── MaybeTaken             it may have: nobody may try again
RunLost is raised in a run whose lease another worker holds by now; it ends that run silently.
"""

from common.errors import Conflict, DomainError, Invalid, NotFound
from common.reasons import no_such
from common.texts import _


class UnknownRecord(NotFound):
    """An id names nothing."""

    def __init__(self, kind: str) -> None:
        super().__init__(no_such(kind))


class ConsentExists(Conflict):
    """A family's consent is created a second time."""

    def __init__(self) -> None:
        super().__init__(_("This family's consent exists already"))


class RunInProgress(Conflict):
    """A run by hand while another one is on."""

    def __init__(self) -> None:
        super().__init__(_("Another run is in progress"))


class BadConsent(Invalid):
    """Approval is not true or false, or the language is not configured."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", {field: [reason]})


class BadBody(Invalid):
    """A bulk body that is neither a JSON array nor NDJSON, or holds too many records."""


class SourceError(DomainError):
    """openIMIS's database cannot be read; the text holds no part of its URL."""


class BadSource(SourceError):
    """The URL cannot be used."""


class SourceAway(SourceError):
    """It cannot be reached now, or lacks a table."""


class SendError(DomainError):
    """A provider did not take a message; the text says why, without its words or the number."""


class NotTaken(SendError):
    """The provider surely did not take the message: the next one may try."""


class MaybeTaken(SendError):
    """The provider may have taken the message: nobody may try again."""


class RunLost(Exception):
    """The run's lease has ended and another worker may hold it: stop without another write."""
