"""`generic` and `nextsms`: a JSON object with `from`, `to`, `text` and our `reference`.

Source for nextsms: its Postman documentation ("Single destination", "Multiple destinations",
"Sms Delivery Reports", "General status codes").
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from notification.sms_settings import SmsSettings
from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    digits,
    fields,
    first,
    json_request,
    objects,
)
from notification.transports.sms.statuses import judge_messages

ID_NAMES = ("message_id", "id", "reference")


class Generic(Dialect):
    """Any gateway that takes this object and answers 2xx."""

    trusts_status = True

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(settings)
        self._headers = authorization(settings)
        self._ask_url = settings.ask_url or self.reports_url()

    def number(self, e164: str) -> str:
        """How the gateway wants a number."""
        return e164

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
        """Taken, unless a message's status begins with REJECTED."""
        whole = fields(answer)
        messages = objects(whole.get("messages")) or objects(answer) or [whole]
        ids = [*(one.get("messageId") for one in messages), *map(whole.get, ID_NAMES)]
        return judge_messages(self, messages, first(ids))

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

    def number(self, e164: str) -> str:
        """`255716718040`."""
        return digits(e164)

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
