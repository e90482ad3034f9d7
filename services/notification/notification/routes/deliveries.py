"""`/api/notification/outbox/…`: sending what is due, an operator's acts, the log of attempts."""

import time
import uuid
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.paging import Page, PageArgs, fetch_page, page_schema
from flask import g
from sqlalchemy import select

from notification.errors import UnknownRecord
from notification.models import DeliveryLog, OutboxMessage
from notification.outbox import acts
from notification.parts import parts
from notification.routes.locations import PREFIX
from notification.schemas.deliveries import DeliveryLogOut, ProcessIn, ProcessOut, StandingOut

blp = Blueprint("deliveries", __name__, url_prefix=f"{PREFIX}/outbox")

#: After this a call begins no further message: its answer must not come too late.
PROCESS_FOR_S = 20.0


@blp.route("/process/", methods=["POST"])
@blp.scope("notification:admin")
@blp.arguments(ProcessIn)
@blp.response(200, ProcessOut)
def process_outbox(given: dict[str, Any]) -> dict[str, Any]:
    """Send messages that are due, the most urgent first, as a worker does.

    Fewer than `limit` are sent when no more are due, or when providers are slow.
    """
    outbox = parts().outbox
    deadline = time.monotonic() + PROCESS_FOR_S
    done = outbox.process(outbox.channels, given["limit"], lambda: time.monotonic() > deadline)
    return {"ok": True, "processed_count": len(done), "results": done}


@blp.route("/<uuid:outbox_id>/delivery-logs/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(PageArgs, location="query")
@blp.response(200, page_schema(DeliveryLogOut))
def list_delivery_logs(page: dict[str, Any], outbox_id: uuid.UUID) -> Page[DeliveryLog]:
    """List a message's attempts and what was decided about it, newest first."""
    with parts().database.reading() as session:
        if session.get(OutboxMessage, outbox_id) is None:
            raise UnknownRecord("message")
        entries = select(DeliveryLog).where(DeliveryLog.outbox_id == outbox_id)
        return fetch_page(session, entries, DeliveryLog.attempt_no, **page)


@blp.route("/<uuid:outbox_id>/cancel/", methods=["POST"])
@blp.scope("notification:admin")
@blp.response(200, StandingOut)
def cancel_message(outbox_id: uuid.UUID) -> OutboxMessage:
    """Stop a message that is QUEUED, FAILED, or held as UNKNOWN."""
    with parts().database.writing() as session:
        return acts.cancel(session, outbox_id, g.identity.subject, utc_now())


@blp.route("/<uuid:outbox_id>/requeue/", methods=["POST"])
@blp.scope("notification:admin")
@blp.response(200, StandingOut)
def requeue_message(outbox_id: uuid.UUID) -> OutboxMessage:
    """Queue a FAILED, UNKNOWN or CANCELLED message anew, with fresh attempts.

    A message that was UNKNOWN may then arrive twice; its log says who wanted that.
    """
    with parts().database.writing() as session:
        row = acts.requeue(session, outbox_id, g.identity.subject, utc_now())
    parts().bell.ring()
    return row
