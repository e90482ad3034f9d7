"""`infobip`: Infobip. Source: its API reference, "Send SMS messages" (v3), "Status codes"."""

from datetime import datetime
from typing import Any

from notification.transports.base import Message, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    fields,
    first,
    json_request,
    objects,
)
from notification.transports.sms.statuses import judge_messages


class Infobip(Dialect):
    """Infobip: one message with a destination per number."""

    default_url = "https://api.infobip.com/sms/3/messages"
    required = ("api_key",)

    def request(self, message: Message, now: datetime) -> Request:
        """`Authorization: App …`."""
        content = {
            "sender": self.settings.sender_id,
            "destinations": [{"to": self.number(number)} for number in message.to],
            "content": {"text": message.body},
        }
        headers = {"Authorization": f"App {self.settings.api_key}"}
        return json_request({"messages": [content]}, headers)

    def judge(self, status: int, answer: Any) -> Result:
        """Taken, unless a message's group is REJECTED."""
        messages = objects(fields(answer).get("messages"))
        if not messages:
            return self.unknown(f"answered {status} without messages")
        return judge_messages(self, messages, first(one.get("messageId") for one in messages))
