"""`africastalking`: Africa's Talking. Source: its documentation, "Bulk SMS", "Status codes"."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from notification.transports.base import Message, Outcome, Part, Result
from notification.transports.sms.dialect import (
    Dialect,
    Request,
    fields,
    first,
    identifier,
    objects,
    word,
)
from notification.transports.sms.settings import NumberFormat

ACCEPTED = (100, 101, 102)
#: InternalServerError, GatewayError.
PASSING_CODES = (500, 501)
#: InvalidSenderId, InsufficientBalance: said of a number, or of the whole request.
OUR_CODES, OUR_WORDS = (402, 405), ("InvalidSenderId", "InsufficientBalance")


class AfricasTalking(Dialect):
    """Africa's Talking: a form; one verdict per number."""

    default_url = "https://api.africastalking.com/version1/messaging"
    required = ("username", "api_key")
    number_format = NumberFormat.E164

    def request(self, message: Message, now: datetime) -> Request:
        """Numbers with their plus sign, comma-separated; no sender: the shared one is used."""
        form = {
            "username": self.settings.username,
            "to": ",".join(map(self.number, message.to)),
            "message": message.body,
            "from": self.settings.sender_id,
            "bulkSMSMode": "1",
        }
        if not self.settings.sender_id:
            del form["from"]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "apiKey": self.settings.api_key,
        }
        return Request(headers, urlencode(form, errors="replace").encode())

    def judge(self, status: int, answer: Any) -> Result:
        """Taken: 201, and every number has a code from 100 to 102."""
        data = fields(answer).get("SMSMessageData")
        if status != HTTPStatus.CREATED or not isinstance(data, dict):
            return self.unknown(f"answered {status}, not as its documents say")
        recipients = objects(data.get("Recipients"))
        refused = [one for one in recipients if one.get("statusCode") not in ACCEPTED]
        if recipients and not refused:
            message_id = first(one.get("messageId") for one in recipients)
            return self.sent(message_id, parts=_parts(recipients))
        codes = [word(one.get("statusCode")) for one in refused]
        reason = first([*(word(one.get("status")) for one in refused), word(data.get("Message"))])
        if len(refused) < len(recipients):
            error = f"refused {len(refused)} of {len(recipients)} numbers: {reason}"
            message_id = next(one.get("messageId") for one in recipients if one not in refused)
            return self.refused(
                Outcome.REFUSED_FOR_GOOD,
                error,
                taken_in_part=True,
                provider_message_id=identifier(message_id),
                parts=_parts(recipients),
            )
        is_passing = bool(codes) and all(code in PASSING_CODES for code in codes)
        is_ours = bool(codes) and all(code in OUR_CODES for code in codes)
        outcome = Outcome.REFUSED_FOR_NOW if is_passing else Outcome.REFUSED_FOR_GOOD
        if is_ours or (not recipients and reason in OUR_WORDS):
            outcome = Outcome.TRANSPORT_CLOSED
        return self.refused(outcome, f"refused it: {reason}", response={"codes": codes})


def _parts(recipients: list[dict[str, Any]]) -> tuple[Part, ...]:
    """Each number's own id and verdict, where there are several."""
    if len(recipients) < 2:
        return ()
    return tuple(
        Part(
            place,
            identifier(one.get("messageId")),
            one.get("statusCode") not in ACCEPTED,
            str(word(one.get("status")) or "") or None,
        )
        for place, one in enumerate(recipients)
    )
