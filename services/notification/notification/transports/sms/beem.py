"""`beem`: Beem Africa. Source: its developers' documentation, "Send SMS", with its codes."""

import base64
from datetime import datetime
from typing import Any

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    fields,
    json_request,
    word,
)
from notification.transports.sms.settings import SmsSettings

ACCEPTED = 100
#: No credit, no such account, no route for it, no credentials, wrong ones, an unknown sender id.
OUR_TROUBLE = (102, 105, 106, 107, 108, 111)
#: Their network did not answer them in time.
NETWORK_TIMEOUT = 103


class Beem(Dialect):
    """Beem Africa: Basic credentials, one entry per number."""

    default_url = "https://apisms.beem.africa/v1/send"
    required = ("api_key", "secret_key")

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(settings)
        pair = f"{settings.api_key}:{settings.secret_key}"
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def request(self, message: Message, now: datetime) -> Request:
        """Recipients are numbered from 1."""
        recipients = [
            {"recipient_id": place, "dest_addr": self.number(number)}
            for place, number in enumerate(message.to, start=1)
        ]
        content = {
            "source_addr": self.settings.sender_id,
            "schedule_time": "",
            "encoding": 0,
            "message": message.body,
            "recipients": recipients,
        }
        return json_request(content, self._headers)

    def judge(self, status: int, answer: Any) -> Result:
        """Taken: code 100, and at least one number is valid."""
        whole = fields(answer)
        code, valid = word(whole.get("code")), whole.get("valid")
        if code is None:
            return self.unknown(f"answered {status} without a code")
        if code == ACCEPTED and isinstance(valid, int) and valid >= 1:
            return self.sent(whole.get("request_id"), code=code, valid=word(valid))
        if code == NETWORK_TIMEOUT:
            return self.unknown("ran into a time-out of its own", response={"code": code})
        outcome = Outcome.TRANSPORT_CLOSED if code in OUR_TROUBLE else Outcome.REFUSED_FOR_GOOD
        return self.refused(outcome, f"refused it with code {code}", response={"code": code})
