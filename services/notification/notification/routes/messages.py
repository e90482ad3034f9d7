"""`/api/notification/outbox/`: messages on their way; and why a person did or did not get one."""

import uuid
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.paging import Page, fetch_page, page_schema

from notification.errors import UnknownRecord
from notification.explaining import Explanation, explain_event, explain_message
from notification.messages import MessageFilter, matching
from notification.models import OutboxMessage
from notification.parts import parts
from notification.routes.locations import PREFIX
from notification.schemas.explain import ExplainArgs, ExplanationOut
from notification.schemas.messages import MessageArgs, MessageOut

blp = Blueprint("messages", __name__, url_prefix=PREFIX)


@blp.route("/outbox/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(MessageArgs, location="query")
@blp.response(200, page_schema(MessageOut))
def list_messages(query: dict[str, Any]) -> Page[OutboxMessage]:
    """List messages, newest first."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    wanted = matching(MessageFilter(**query), utc_now())
    with parts().database.reading() as session:
        return fetch_page(session, wanted, OutboxMessage.id, **page)


@blp.route("/outbox/<uuid:outbox_id>/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, MessageOut)
def read_outbox_message(outbox_id: uuid.UUID) -> OutboxMessage:
    """Read a message."""
    with parts().database.reading() as session:
        message = session.get(OutboxMessage, outbox_id)
    if message is None:
        raise UnknownRecord("message")
    return message


@blp.route("/explain/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(ExplainArgs, location="query")
@blp.response(200, ExplanationOut)
def explain(query: dict[str, Any]) -> Explanation:
    """Say why a person gets a message of an event or not; or what became of one message."""
    with parts().database.reading() as session:
        if query["outbox_id"] is not None:
            return explain_message(session, query["outbox_id"], utc_now())
        return explain_event(session, query["event_code"], query["user_id"], utc_now())
