"""Lists of messages with a `status` each, as NextSMS and Infobip answer and report them."""

from typing import Any

from notification.transports.base import Outcome, Result
from notification.transports.sms.dialect import Dialect, fields, first, word

#: Rejections that concern our account or the provider itself: the message can be sent later.
PASSING_REJECTIONS = frozenset(
    {
        "REJECTED_NOT_ENOUGH_CREDITS",
        "REJECTED_PREPAID_PACKAGE_EXPIRED",
        "REJECTED_SYSTEM_ERROR",
    }
)


def status_words(message: dict[str, Any]) -> list[str]:
    """The words of a message's status, in capitals: `REJECTED`, `REJECTED_NETWORK`."""
    status = message.get("status")
    found = [status] if isinstance(status, str) else map(fields(status).get, ("groupName", "name"))
    return [text.upper() for text in found if isinstance(text, str)]


def is_rejected(message: dict[str, Any]) -> bool:
    """Whether the provider did not take this one."""
    return any(text.startswith("REJECTED") for text in status_words(message))


def judge_messages(dialect: Dialect, messages: list[dict[str, Any]], message_id: Any) -> Result:
    """What the statuses of all numbers of a message mean together."""
    rejected = [status_words(message) for message in messages if is_rejected(message)]
    if not rejected:
        status = first(map(word, (text for one in messages for text in status_words(one)[-1:])))
        return dialect.sent(message_id, **({"status": status} if status else {}))
    reason = word(rejected[0][-1]) or "REJECTED"
    if len(rejected) < len(messages):
        error = f"refused {len(rejected)} of {len(messages)} numbers: {reason}"
        return dialect.refused(Outcome.REFUSED_FOR_GOOD, error, taken_in_part=True)
    is_passing = all(PASSING_REJECTIONS.intersection(words) for words in rejected)
    outcome = Outcome.REFUSED_FOR_NOW if is_passing else Outcome.REFUSED_FOR_GOOD
    return dialect.refused(outcome, f"refused it: {reason}", response={"status": reason})
