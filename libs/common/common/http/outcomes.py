"""What a call to the outside can end in besides an answer: the same words in every service.

OutboundError
├── NotSent              surely not done: no connection was made, or nothing left over it
└── OutcomeUnknown       the request, or part of it, has left; no (whole) answer came
    ├── ClosedUnanswered the connection was closed before a byte of an answer
    ├── TimedOut         the other side was silent for too long
    └── NotHttp          what came is no HTTP; the message says why
"""

from dataclasses import dataclass

from common.errors import DomainError


class OutboundError(DomainError):
    """An outbound call did not end in an answer."""


class NotSent(OutboundError):
    """Surely not done: the other side did not see the request, which may be sent again."""


class NotPermitted(NotSent):
    """The address may not be called, by the installation's own rules."""

    def __init__(self) -> None:
        super().__init__("its address may not be called (OUTBOUND_DENY)")


class OutcomeUnknown(OutboundError):
    """The request may have arrived; its answer did not. Never repeat silently what acts twice."""


class ClosedUnanswered(OutcomeUnknown):
    """The connection was closed before a byte of an answer came: a resting one perhaps at rest."""


class TimedOut(OutcomeUnknown):
    """The other side was silent for too long, or the call took longer than it may."""


class NotHttp(OutcomeUnknown):
    """What came back is no HTTP answer; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds to wait: for a connection, between two pieces of an answer, for the whole of it."""

    connect_s: float = 3.0
    read_s: float = 15.0
    total_s: float = 900.0
