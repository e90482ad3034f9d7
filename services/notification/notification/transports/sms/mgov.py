"""`mgov`: the e-Government Agency's gateway, each body signed with the institution's API key."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    fields,
    first,
    json_request,
)

ZONE = timezone(timedelta(hours=3))


class MGov(Dialect):
    """mGov: the hash covers the exact bytes of the body."""

    required = ("sys_id", "api_key", "service_id", "sender_id")

    def request(self, message: Message, now: datetime) -> Request:
        """`hash` is the base64 of HMAC-SHA256 over the body; times are East Africa's."""
        content = {
            "recipients": ",".join(map(self.number, message.to)),
            "message": message.body,
            "datetime": now.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
            "mobileServiceId": self.settings.service_id,
            "senderId": self.settings.sender_id,
            "messageId": message.reference,
        }
        request = json_request(content, {})
        digest = hmac.digest(self.settings.api_key.encode(), request.body, hashlib.sha256)
        signed = {"sysId": self.settings.sys_id, "hash": base64.b64encode(digest).decode()}
        return Request({**request.headers, **signed}, request.body)

    def judge(self, status: int, answer: Any) -> Result:
        """Taken: `success` is true."""
        whole = fields(answer)
        success = whole.get("success")
        if not isinstance(success, bool):
            return self.unknown(f"answered {status} without saying whether it took it")
        if not success:
            return self.refused(Outcome.REFUSED_FOR_GOOD, "refused it")
        return self.sent(first(map(whole.get, ("messageId", "id"))))
