"""`generic` and `nextsms`: a JSON object with `from`, `to`, `text` and our `reference`.

Source for nextsms: its Postman documentation ("Single destination", "Multiple destinations",
"Sms Delivery Reports", "General status codes").
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    fields,
    first,
    json_request,
    objects,
)
from notification.transports.sms.rules import sign_of_trouble
from notification.transports.sms.settings import NumberFormat, SmsSettings
from notification.transports.sms.statuses import judge_messages, parts_of

ID_NAMES = ("message_id", "id", "reference")


class Generic(Dialect):
    """Any gateway that takes this object and answers 2xx."""

    trusts_status = True
    named_format = NumberFormat.E164

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(settings)
        # The Django mediator knew no provider's name, and no plus sign.
        self.number_format = self.named_format if settings.is_named else NumberFormat.DIGITS
        self._headers = authorization(settings)
        self._ask_url = settings.ask_url or self.reports_url()

    def reports_url(self) -> str | None:
        """Where to ask, if it follows from the address."""
        return None

    def request(self, message: Message, now: datetime) -> Request:
        """`to` is a text for one number, a list for several."""
        numbers = [self.number(number) for number in message.to]
        content = {
            "from": self.settings.sender_id,
            "to": numbers[0] if len(numbers) == 1 else numbers,
            "text": message.body,
            "reference": message.reference,
        }
        return json_request(content, self._headers)

    def judge(self, status: int, answer: Any) -> Result:
        """By the settings' rules; without any a yes, unless something in it speaks against that."""
        whole = fields(answer)
        messages = objects(whole.get("messages")) or objects(answer) or [whole]
        ids = [*[one.get("messageId") for one in messages], *map(whole.get, ID_NAMES)]
        message_id = first(ids)
        if self.settings.success_when or self.settings.refused_when:
            return self._judge_by_rules(answer, messages, message_id)
        result = judge_messages(self, messages, message_id)
        if result.outcome is Outcome.REFUSED_FOR_GOOD or result.closes_transport:
            return result
        trouble = sign_of_trouble(answer)
        return self.unknown(f"answered {status}, but {trouble}") if trouble else result

    def _judge_by_rules(
        self, answer: Any, messages: list[dict[str, Any]], message_id: Any
    ) -> Result:
        if any(one.holds(answer) for one in self.settings.refused_when):
            return self.refused(Outcome.REFUSED_FOR_GOOD, "refused it")
        if any(one.holds(answer) for one in self.settings.success_when):
            return self.sent(message_id, parts=parts_of(messages))
        return self.unknown("answered neither yes nor no by its rules")

    def question(self, message: Message) -> tuple[str, Mapping[str, str]] | None:
        """`GET <address>?reference=…`, where there is an address."""
        if self._ask_url is None:
            return None
        joint = "&" if "?" in self._ask_url else "?"
        address = f"{self._ask_url}{joint}reference={quote(message.reference, safe='')}"
        return address, self._headers

    def judge_record(self, status: int, answer: Any) -> Result | None:
        """404: it does not have it. An empty list says nothing: the report may yet come."""
        if status == HTTPStatus.NOT_FOUND:
            return self.refused(Outcome.REFUSED_FOR_NOW, "does not have it")
        whole = fields(answer)
        messages = objects(whole.get("results")) or objects(whole.get("messages"))
        if not 200 <= status < 300 or not messages:
            return None
        return judge_messages(self, messages, first(one.get("messageId") for one in messages))


class NextSms(Generic):
    """NextSMS: numbers without their plus sign; reports can be asked for by our reference."""

    default_url = "https://messaging-service.co.tz/api/sms/v1/text/single"
    trusts_status = False
    named_format = NumberFormat.DIGITS

    def judge(self, status: int, answer: Any) -> Result:
        """Taken: every message's group is PENDING, or it has arrived already."""
        messages = objects(fields(answer).get("messages"))
        if not messages:
            return self.unknown(f"answered {status} without messages")
        return judge_messages(self, messages, first(one.get("messageId") for one in messages))

    def reports_url(self) -> str | None:
        """`…/v1/reports` beside `…/v1/text/single`."""
        base, found, _rest = self.url.partition("/text/")
        return f"{base}/reports" if found else None

    def judge_record(self, status: int, answer: Any) -> Result | None:
        """Its documents do not say what 404 would mean."""
        return None if status == HTTPStatus.NOT_FOUND else super().judge_record(status, answer)


def authorization(settings: SmsSettings) -> dict[str, str]:
    """The raw header if there is one, else the token: `Bearer` unless it says what it is."""
    if settings.auth_header:
        return {"Authorization": settings.auth_header}
    token = settings.token
    if not token:
        return {}
    says_what_it_is = token.startswith(("Basic ", "Bearer "))
    return {"Authorization": token if says_what_it_is else f"Bearer {token}"}
