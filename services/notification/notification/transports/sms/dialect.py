"""What a provider's dialect is, and what all of them judge alike. All of it is pure."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec.structs import replace

from notification.models.outbox import PROVIDER_ID_CHARS
from notification.models.records import Record
from notification.transports.base import Message, Outcome, Part, Result
from notification.transports.sms.settings import NumberFormat, SmsSettings

#: Refused because of us, not of the message: somebody mends the account, and all can be sent.
OUR_TROUBLE = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
)
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_WORD = re.compile(r"[A-Za-z][A-Za-z_ -]{0,63}")


class Request(Record, frozen=True):
    """What is posted; the method, the address and the length are the sender's."""

    unshown = frozenset({"headers", "body"})

    headers: Mapping[str, str]
    body: bytes


class Answer(Record, frozen=True):
    """What came back; of what is no 2xx with its fields, their names in lower case."""

    unshown = frozenset({"headers", "body"})

    status: int
    headers: Mapping[str, str]
    body: bytes


class Dialect(ABC):
    """One provider's way to say it: `request` and `judge` are what a provider must define."""

    #: The public address, where a provider has one for everybody.
    default_url: str | None = None
    #: Settings without which it cannot work.
    required: tuple[str, ...] = ()
    #: How its documents write numbers; the settings may say otherwise.
    number_format = NumberFormat.DIGITS
    #: Any 2xx is a yes, even without words that can be read.
    trusts_status = False

    def __init__(self, settings: SmsSettings) -> None:
        """Raises SettingError that names what is missing."""
        settings.require(*self.required, *(() if self.default_url else ("url",)))
        self.name = settings.name
        self.settings = settings
        self.url = settings.url or self.default_url or ""

    def number(self, e164: str) -> str:
        """How the provider wants a number."""
        wanted = self.settings.number_format or self.number_format
        return e164.removeprefix("+") if wanted is NumberFormat.DIGITS else e164

    @abstractmethod
    def request(self, message: Message, now: datetime) -> Request:
        """The request that sends `message`."""

    @abstractmethod
    def judge(self, status: int, answer: Any) -> Result:
        """What a 2xx answer's JSON means; its text, or None, where a bare status is trusted."""

    def question(self, message: Message) -> tuple[str, Mapping[str, str]] | None:
        """The address and headers to ask what became of it by our reference; None: it cannot be."""
        return None

    def judge_record(self, status: int, answer: Any) -> Result | None:
        """What the answer to `question` says; None: nothing certain."""
        return None

    def sent(self, message_id: Any, *, parts: Sequence[Part] = (), **response: Any) -> Result:
        """Taken."""
        return Result(
            outcome=Outcome.SENT,
            provider=self.name,
            provider_message_id=identifier(message_id),
            response=response or None,
            parts=parts,
        )

    def refused(self, outcome: Outcome, error: str, **more: Any) -> Result:
        """Not taken, or not known: `error` is for operators and begins without the name."""
        return Result(outcome=outcome, provider=self.name, error=f"{self.name} {error}", **more)

    def unknown(self, error: str, **more: Any) -> Result:
        """It may have been taken."""
        return self.refused(Outcome.UNKNOWN, error, **more)


def judge(dialect: Dialect, answer: Answer, now: datetime) -> Result:
    """What an answer means for the message."""
    status = answer.status
    response = {"http_status": status}
    if not 200 <= status < 300:
        return dialect.refused(
            outcome_of_status(status),
            f"answered {status}",
            response=response,
            retry_after_s=retry_after_s(answer.headers.get("retry-after"), now),
            is_too_fast=status == HTTPStatus.TOO_MANY_REQUESTS,
            is_failure=status >= 500,
        )
    found = read_json(answer.body)
    if found is None:
        is_plain = answer.body.lstrip()[:1] not in (b"<", b"{", b"[")
        if not (dialect.trusts_status and is_plain):
            error = f"answered {status} with something that cannot be read"
            return dialect.unknown(error, response=response)
        found = answer.body.decode("utf-8", "replace").strip() or None
    result = dialect.judge(status, found)
    if result.outcome is Outcome.REFUSED_FOR_GOOD:
        return replace(result, is_about_address=True)
    return result


def read_json(body: bytes) -> Any:
    """The JSON of `body`; None where it is none."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass  # a reader that is easier on others decides
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def outcome_of_status(status: int) -> Outcome:
    """What a status other than 2xx means: the provider has surely not taken the message."""
    if status < 400 or status == HTTPStatus.TOO_MANY_REQUESTS or status in OUR_TROUBLE:
        return Outcome.TRANSPORT_CLOSED
    if status >= 500 or status in PASSING:
        return Outcome.REFUSED_FOR_NOW
    return Outcome.REFUSED_FOR_GOOD


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a `Retry-After` in seconds or as a date; None where it says neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def word(value: Any) -> str | int | None:
    """A provider's code or word that is safe to keep: never a sentence with a number in it."""
    if isinstance(value, int):
        return value if abs(value) < 100_000 else None
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def identifier(value: Any) -> str | None:
    """A provider's id for a message as text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text.isprintable() and 0 < len(text) <= PROVIDER_ID_CHARS else None


def fields(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of `value` if it is a list, else none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def first(values: Iterable[Any]) -> Any:
    """The first of `values` that says something."""
    for value in values:
        if value is not None and value != "":
            return value
    return None


def json_request(content: Any, headers: Mapping[str, str]) -> Request:
    """A request with a JSON body."""
    return Request({"Content-Type": "application/json", **headers}, _json(content))


def _json(content: Any) -> bytes:
    """ASCII alone, as not every gateway reads more."""
    try:
        body = msgspec.json.encode(content)
    except ValueError:  # half a surrogate pair
        body = b"\xff"
    return body if body.isascii() else json.dumps(content).encode()
