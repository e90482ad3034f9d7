"""An attempt: messages leave through an open way, and each gets its ending."""

from collections.abc import Sequence
from datetime import datetime

from common.clock import utc_now
from common.logs import get_logger

from notification.models import ChannelCode, OutboxMessage
from notification.outbox.claiming import Parcel
from notification.outbox.ledger import Ended
from notification.outbox.outcomes import ending_of
from notification.transports import Message, Outcome, Result, Sender

log = get_logger(__name__)

#: The field that a message of a channel needs.
_ADDRESS = {ChannelCode.SMS: "to_phone", ChannelCode.EMAIL: "to_email"}


def attempt(sender: Sender, parcels: Sequence[Parcel]) -> list[Ended]:
    """Send what has an address; every parcel gets its ending."""
    leaving = [message for message in map(message_of, parcels) if message.to]
    references = [message.reference for message in leaving]
    results = dict(zip(references, _send(sender, leaving), strict=True))
    now = utc_now()
    return [
        ended(parcel, results.get(parcel.idempotency_key) or _no_address(parcel), now)
        for parcel in parcels
    ]


def _send(sender: Sender, messages: Sequence[Message]) -> list[Result]:
    try:
        return sender.send(messages) if messages else []
    except Exception as exc:
        log.exception("transport_broke")
        broken = Result(outcome=Outcome.UNKNOWN, provider="", error=f"{type(exc).__name__} (a bug)")
        return [broken] * len(messages)


def _no_address(parcel: Parcel) -> Result:
    missing = f"No {_ADDRESS[parcel.channel]}"
    return Result(outcome=Outcome.REFUSED_FOR_GOOD, provider="", error=missing)


def ended(parcel: Parcel, result: Result, now: datetime) -> Ended:
    """What `result` means for this attempt."""
    ending = ending_of(
        result.outcome,
        now,
        attempt=parcel.attempt_count,
        max_attempts=parcel.max_attempts,
        retry_after_s=result.retry_after_s,
    )
    return Ended(parcel, result, ending)


def message_of(of: Parcel | OutboxMessage) -> Message:
    """What leaves."""
    if of.channel is ChannelCode.EMAIL:
        to: tuple[str, ...] = (of.to_email,) if of.to_email else ()
    else:
        to = tuple(number for number in (of.to_phone or "").split(",") if number)
    return Message(
        reference=of.idempotency_key,
        channel=of.channel,
        to=to,
        subject=of.subject,
        body=of.body or "",
    )
