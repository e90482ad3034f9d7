"""`/api/esb/async-response/`: a late answer for a call of the bus."""

from typing import Any

from common.web.api import Blueprint
from common.web.single import single
from flask import g, request

from esb_relay.callbacks.async_answers import LateAnswer, queue_late_answer
from esb_relay.container import container
from esb_relay.engine.relaying import correlation_id
from esb_relay.models import AsyncAnswer
from esb_relay.routes.locations import PREFIX
from esb_relay.schemas.callbacks import LateAnswerIn, LateAnswerOut
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.json_span import members
from esb_relay.wire.terms import Format

blp = Blueprint("async-responses", __name__, url_prefix=PREFIX, description="Late answers")


@blp.route("/async-response/", methods=["POST"])
@blp.scope("esb:relay")
@blp.arguments(LateAnswerIn)
@blp.response(202, single(LateAnswerOut))
def queue(given: dict[str, Any]) -> AsyncAnswer:
    """Queue a late answer: it is posted to the engine until that has taken it.

    The same answer again changes nothing; another one for the same `request_id` is refused.
    """
    process = container()
    body = members(decode_text(request.get_data())).get("body")
    late = LateAnswer(**{**given, "body": body.text if body is not None else None})
    with process.database.writing() as session:
        row = queue_late_answer(
            session,
            late,
            g.identity.subject,
            correlation_id(),
            default_format=Format(process.settings.data_format),
        )
    process.wake_up.send()
    return row
