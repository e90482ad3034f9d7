"""`/api/notification/outbox/…`: sending what is due, an operator's acts, the log of attempts."""

import time
from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import NumberedPageArgs, Page, fetch_page, page_schema
from common.web.single import single
from flask import g
from sqlalchemy import select

from notification.container import container
from notification.django_mediator.ids import record_id
from notification.errors import UnknownRecord
from notification.models import DeliveryLog, OutboxMessage
from notification.outbox import acts
from notification.outbox.messages import MessageFilter
from notification.routes.locations import PREFIX, path_id
from notification.schemas.deliveries import BacklogOut, DeliveryLogOut, ProcessIn, ProcessOut
from notification.schemas.messages import ChangedOut, MessagesIn, RequeueIn

blp = Blueprint("deliveries", __name__, url_prefix=f"{PREFIX}/outbox")

#: After this a call begins no further message: its answer must not come too late.
PROCESS_FOR_S = 20.0

_OUTBOX_ID = path_id("outbox_id")


@blp.route("/process/", methods=["POST"])
@blp.scope("notification:admin")
@blp.arguments(ProcessIn)
@blp.response(200, ProcessOut)
def process_outbox(given: dict[str, Any]) -> dict[str, Any]:
    """Send messages that are due, the most urgent first, as a worker does.

    Fewer than `limit` are sent when no more are due, or when providers are slow.
    """
    outbox = container().outbox
    deadline = time.monotonic() + PROCESS_FOR_S
    done = outbox.process(outbox.channels, given["limit"], lambda: time.monotonic() > deadline)
    return {"ok": True, "processed_count": len(done), "results": done}


@blp.route("/cancel/", methods=["POST"])
@blp.scope("notification:admin")
@blp.arguments(MessagesIn)
@blp.response(200, ChangedOut)
def cancel_messages(given: dict[str, Any]) -> acts.Changed:
    """Stop all messages of a filter that wait or are held as UNKNOWN; up to 10,000 in a call."""
    wanted = MessageFilter(**given)
    return acts.cancel_all(container().database, wanted, g.identity.subject, utc_now())


@blp.route("/requeue/", methods=["POST"])
@blp.scope("notification:admin")
@blp.arguments(RequeueIn)
@blp.response(200, ChangedOut)
def requeue_messages(given: dict[str, Any]) -> acts.Changed:
    """Queue all FAILED messages of a filter anew; up to 10,000 in a call.

    UNKNOWN and CANCELLED ones where `status` says so: those that were UNKNOWN may then arrive
    twice. Messages that were requeued before are left out, unless `include_repeated` is true.
    """
    include_repeated = given.pop("include_repeated")
    done = acts.requeue_all(
        container().database,
        MessageFilter(**given),
        g.identity.subject,
        utc_now(),
        include_repeated=include_repeated,
    )
    container().wake_up.send()
    return done


@blp.route("/<string:outbox_id>/delivery-logs/", methods=["GET"], parameters=[_OUTBOX_ID])
@blp.scope("notification:read")
@blp.arguments(NumberedPageArgs, location="query")
@blp.response(200, page_schema(DeliveryLogOut))
def list_delivery_logs(page: dict[str, Any], outbox_id: str) -> Page[DeliveryLog]:
    """List a message's attempts and what was decided about it, newest first."""
    with container().database.reading() as session:
        known_as = record_id(session, "outbox", outbox_id)
        if session.get(OutboxMessage, known_as) is None:
            raise UnknownRecord("outbox", outbox_id)
        entries = select(DeliveryLog).where(DeliveryLog.outbox_id == known_as)
        return fetch_page(session, entries, DeliveryLog.attempt_no, **page)


@blp.route("/<string:outbox_id>/cancel/", methods=["POST"], parameters=[_OUTBOX_ID])
@blp.scope("notification:admin")
@blp.response(200, single(BacklogOut))
def cancel_message(outbox_id: str) -> OutboxMessage:
    """Stop a message that is QUEUED, FAILED, or held as UNKNOWN."""
    with container().database.writing() as session:
        known_as = record_id(session, "outbox", outbox_id)
        return acts.cancel(session, known_as, g.identity.subject, utc_now())


@blp.route("/<string:outbox_id>/requeue/", methods=["POST"], parameters=[_OUTBOX_ID])
@blp.scope("notification:admin")
@blp.response(200, single(BacklogOut))
def requeue_message(outbox_id: str) -> OutboxMessage:
    """Queue a FAILED, UNKNOWN or CANCELLED message anew, with fresh attempts.

    A message that was UNKNOWN may then arrive twice; its log says who wanted that.
    """
    with container().database.writing() as session:
        known_as = record_id(session, "outbox", outbox_id)
        row = acts.requeue(session, known_as, g.identity.subject, utc_now())
    container().wake_up.send()
    return row
