"""How an exchange with the engine ended, told apart by what the bus may have seen and said."""

from dataclasses import dataclass, field, replace

from esb_relay.models import ExchangeStatus
from esb_relay.wire.incoming import Answer
from esb_relay.wire.signature import Verified


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an exchange, or of one attempt at it.

    `reason` says in one line why it is no success. `is_passing`: the engine was away or busy, so
    that a request which only asks may be sent again. `wants_token`: the engine refused ours.
    """

    status: ExchangeStatus
    reason: str | None = None
    http_status: int | None = None
    received: bytes | None = field(default=None, repr=False)
    answer: Answer | None = field(default=None, repr=False)
    verified: Verified | None = None
    is_passing: bool = False
    wants_token: bool = False


def not_sent(reason: str, *, is_passing: bool = False) -> Outcome:
    """Nothing reached the engine."""
    return Outcome(ExchangeStatus.NOT_SENT, reason, is_passing=is_passing)


def unknown(reason: str) -> Outcome:
    """The request left, its answer did not come."""
    return Outcome(ExchangeStatus.UNKNOWN, f"outcome unknown: {reason}")


def about_a_push(outcome: Outcome) -> Outcome:
    """The same, saying so where an answer that nobody vouches for leaves the delivery open."""
    if outcome.status is not ExchangeStatus.UNVERIFIABLE:
        return outcome
    return replace(outcome, reason=f"{outcome.reason}; whether it was delivered is not known")
