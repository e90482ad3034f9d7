"""Lists of messages with a `status` each, as NextSMS and Infobip answer and report them."""

from typing import Any

from notification.transports.base import Outcome, Part, Result
from notification.transports.sms.dialect import Dialect, first, identifier, word

#: Rejections that concern our account, our sender id or the provider itself, and every message.
OUR_REJECTIONS = frozenset(
    {
        "REJECTED_NOT_ENOUGH_CREDITS",
        "REJECTED_PREPAID_PACKAGE_EXPIRED",
        "REJECTED_SENDER",
        "REJECTED_SOURCE",
        "REJECTED_SYSTEM_ERROR",
    }
)


#: How the words begin that say a message is on its way, or has arrived.
TAKEN = ("PENDING", "ACCEPTED", "DELIVERED", "ENROUTE", "MESSAGE_ACCEPTED", "SENT", "QUEUED")


def status_words(message: dict[str, Any]) -> list[str]:
    """The words of a message's status, in capitals: `REJECTED`, `REJECTED_NETWORK`."""
    status = message.get("status")
    if isinstance(status, str):
        return [status.upper()]
    found = (status.get("groupName"), status.get("name")) if isinstance(status, dict) else ()
    return [text.upper() for text in found if isinstance(text, str)]


def is_rejected(message: dict[str, Any]) -> bool:
    """Whether the provider did not take this one."""
    return _begins(status_words(message), "REJECTED")


def _begins(words: list[str], beginning: str | tuple[str, ...]) -> bool:
    """Whether one of the words begins so."""
    for text in words:  # noqa: SIM110 - asked of every message, and quicker than a generator
        if text.startswith(beginning):
            return True
    return False


def parts_of(messages: list[dict[str, Any]]) -> tuple[Part, ...]:
    """Each number's own id and verdict, where there are several, in the order that was sent."""
    if len(messages) < 2:
        return ()
    return tuple(
        Part(
            place,
            identifier(first(map(one.get, ("messageId", "message_id", "id")))),
            is_rejected(one),
            next((str(word(text)) for text in status_words(one)[-1:] if word(text)), None),
        )
        for place, one in enumerate(messages)
    )


def judge_messages(dialect: Dialect, messages: list[dict[str, Any]], message_id: Any) -> Result:
    """What the statuses of all numbers of a message mean together."""
    said = [status_words(message) for message in messages]
    rejected = [words for words in said if _begins(words, "REJECTED")]
    parts = parts_of(messages)
    if not rejected:
        status = first([word(words[-1]) for words in said if words])
        if not dialect.trusts_status and not all(_begins(words, TAKEN) for words in said):
            return dialect.unknown(f"answered neither yes nor no: {status}")
        return dialect.sent(message_id, parts=parts, **({"status": status} if status else {}))
    reason = word(rejected[0][-1]) or "REJECTED"
    if len(rejected) < len(messages):
        error = f"refused {len(rejected)} of {len(messages)} numbers: {reason}"
        return dialect.refused(
            Outcome.REFUSED_FOR_GOOD,
            error,
            taken_in_part=True,
            provider_message_id=identifier(message_id),
            parts=parts,
        )
    is_ours = all(OUR_REJECTIONS.intersection(words) for words in rejected)
    outcome = Outcome.TRANSPORT_CLOSED if is_ours else Outcome.REFUSED_FOR_GOOD
    return dialect.refused(outcome, f"refused it: {reason}", response={"status": reason})
