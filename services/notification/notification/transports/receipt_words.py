"""What providers' words for a message's fate mean: their lists, and those of SMPP. Pure.

Sources: SMPP 3.4 (message states), Infobip "Response status and error codes", Africa's Talking
"Delivery reports", Beem "Delivery reports", NextSMS "Sms Delivery Reports".
"""

import re
from collections.abc import Iterable

DELIVERED = frozenset({"DELIVERED", "DELIVRD", "SUCCESS", "RECEIVED", "READ", "SEEN"})
NOT_DELIVERED = frozenset(
    {
        *("ABSENT_SUBSCRIBER", "BARRED", "BLACKLISTED", "BLOCKED", "CALL_BARRED", "CANCELED"),
        *("CANCELLED", "COULD_NOT_ROUTE", "DELETED", "DELIVERY_FAILED", "DELIVERY_FAILURE"),
        *("DO_NOT_DISTURB_REJECTION", "ERROR", "EXPIRED", "FAIL", "FAILED", "INVALID_PHONE_NUMBER"),
        *("INVALID_LINK_ID", "NO_ROUTE", "NOROUTE", "NOT_ALLOWED", "NOT_DELIVERED"),
        *("NOT_NETWORK_SUBSCRIBER", "REJECTED", "REJECTED_BY_GATEWAY", "REJECTD", "SKIPPED"),
        *("SUBSCRIPTION_NOT_ACTIVE", "UNDELIV", "UNDELIVERABLE", "UNDELIVERED", "UNREACHABLE"),
        *("UNKNOWN_SUBSCRIBER", "UNSUPPORTED_NUMBER_TYPE", "USER_ACCOUNT_SUSPENDED"),
        *("USER_DOES_NOT_EXIST", "USER_INACTIVE", "USER_IN_BLACK_LIST", "USER_IN_BLACKLIST"),
        *("USER_IS_INACTIVE", "USER_NOT_SUBSCRIBED_TO_PRODUCT", "USER_NOT_SUBSCRIBED"),
    }
)
IN_PROGRESS = frozenset(
    {
        *("ACCEPTD", "ACCEPTED", "BUFFERED", "ENROUTE", "EN_ROUTE", "PENDING", "PROCESSING"),
        *("QUEUED", "SCHEDULED", "SENDING", "SENT", "SUBMITTED", "UNKNOWN"),
    }
)
#: How Infobip's names of a group go on: `DELIVERED_TO_HANDSET`, `UNDELIVERABLE_NOT_DELIVERED`.
_DELIVERED_AS = ("DELIVERED_",)
_NOT_DELIVERED_AS = ("UNDELIVERABLE_", "EXPIRED_", "REJECTED_", "DELETED_")
_IN_PROGRESS_AS = ("PENDING_", "ACCEPTED_")

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def normal_form(word: str) -> str:
    """`AbsentSubscriber`, `absent subscriber` and `ABSENT_SUBSCRIBER` are the same word."""
    return re.sub(r"[\s-]+", "_", _HUMP.sub("_", word.strip())).upper()


def is_known(word: str) -> bool:
    """Whether a word, in its normal form, is in one of the lists."""
    return _meaning(word) is not None


def delivered_by(words: Iterable[str]) -> bool | None:
    """What words in their normal form say together; None: under way, or unknown words."""
    meanings = [_meaning(word) for word in words]
    if NOT_DELIVERED in meanings:
        return False
    return True if DELIVERED in meanings else None


def _meaning(word: str) -> frozenset[str] | None:
    for meaning, beginnings in (
        (NOT_DELIVERED, _NOT_DELIVERED_AS),
        (DELIVERED, _DELIVERED_AS),
        (IN_PROGRESS, _IN_PROGRESS_AS),
    ):
        if word in meaning or word.startswith(beginnings):
            return meaning
    return None
