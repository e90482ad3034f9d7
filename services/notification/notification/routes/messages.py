"""`/api/notification/outbox/`: messages on their way; and why a person did or did not get one."""

from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from common.web.single import single

from notification.container import container
from notification.django_mediator.ids import record_id
from notification.emit.explain import Explanation, explain_event, explain_message
from notification.models import OutboxMessage
from notification.outbox.messages import MessageFilter, WholeMessage, matching, whole_message
from notification.routes.locations import PREFIX, path_id
from notification.schemas.explain import ExplainArgs, ExplanationOut
from notification.schemas.messages import MessageArgs, MessageOut, WholeMessageOut

blp = Blueprint("messages", __name__, url_prefix=PREFIX)


@blp.route("/outbox/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(MessageArgs, location="query")
@blp.response(200, page_schema(MessageOut))
def list_messages(query: dict[str, Any]) -> Page[OutboxMessage]:
    """List messages, newest first."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    wanted = matching(MessageFilter(**query), utc_now())
    with container().database.reading() as session:
        return fetch_page(session, wanted, OutboxMessage.id, **page)


@blp.route("/outbox/<string:outbox_id>/", methods=["GET"], parameters=[path_id("outbox_id")])
@blp.scope("notification:read")
@blp.response(200, single(WholeMessageOut))
def read_outbox_message(outbox_id: str) -> WholeMessage:
    """Read a message; of one with several numbers, what became of each."""
    with container().database.reading() as session:
        return whole_message(session, record_id(session, "outbox", outbox_id))


@blp.route("/explain/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(ExplainArgs, location="query")
@blp.response(200, single(ExplanationOut))
def explain(query: dict[str, Any]) -> Explanation:
    """Say why a person gets a message of an event or not; or what became of one message."""
    with container().database.reading() as session:
        if query["outbox_id"] is not None:
            known_as = record_id(session, "outbox", query["outbox_id"])
            return explain_message(session, known_as, utc_now())
        person = query["user_id"], query["actor_type"]
        return explain_event(session, query["event_code"], *person, utc_now())
