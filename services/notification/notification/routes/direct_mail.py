"""`POST /api/notification/mail/`: a service's own e-mail, whose words must be kept nowhere.

A link that lets somebody choose a new password is for one person's eyes: it is in no outbox, no log
and on no page. Everything else is an event.
"""

import uuid
from typing import Any

from common.web.api import Blueprint

from notification.container import container
from notification.models import ChannelCode
from notification.routes.locations import PREFIX
from notification.schemas.direct_mail import DirectMailIn, DirectMailOut
from notification.transports import Message, Outcome

blp = Blueprint("direct_mail", __name__, url_prefix=f"{PREFIX}/mail")

_SAID = {Outcome.SENT: "sent", Outcome.UNKNOWN: "unknown"}


@blp.route("/", methods=["POST"])
@blp.scope("notification:mail")
@blp.arguments(DirectMailIn)
@blp.response(200, DirectMailOut)
def send_mail(given: dict[str, Any]) -> dict[str, Any]:
    """Hand one e-mail to the mail server now, once, and keep none of its words."""
    message = Message(
        reference=str(uuid.uuid4()),
        channel=ChannelCode.EMAIL,
        to=(given["to"],),
        subject=given["subject"],
        body=given["body"],
    )
    with container().transports[ChannelCode.EMAIL].batch() as batch:
        (result,) = batch.send([message])
    outcome = _SAID.get(result.outcome, "not sent")
    return {"ok": outcome == "sent", "outcome": outcome, "reason": result.error or ""}
