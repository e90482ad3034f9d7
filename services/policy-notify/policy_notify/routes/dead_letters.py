"""`/api/policy-notification/dead-letters/`: events that could not be handled."""

from typing import Any

from common.jobs.dead_letters import Done
from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import Page, page_schema

from policy_notify.container import container
from policy_notify.intake.dead_letters import dead_letters
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.dead_letters import DeadLetterOut, DoneOut

blp = Blueprint("dead_letters", __name__, url_prefix=f"{PREFIX}/dead-letters")
_KEY = path_example("key", "0123456789abcdef", "As in the list")


@blp.route("/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, page_schema(DeadLetterOut))
def list_dead_letters() -> Page[Any]:
    """List the events that could not be handled; the log has the reasons."""
    return Page(dead_letters(container().settings).all(), None)


@blp.route("/<string(length=16):key>/replay/", methods=["POST"], parameters=[_KEY])
@blp.scope("policy:write")
@blp.response(202, DoneOut)
def replay_dead_letter(key: str) -> Done:
    """Send an event again that could not be handled."""
    return dead_letters(container().settings).replay(key)


@blp.route("/<string(length=16):key>/", methods=["DELETE"], parameters=[_KEY])
@blp.scope("policy:write")
@blp.response(200, DoneOut)
def drop_dead_letter(key: str) -> Done:
    """Forget an event that could not be handled."""
    return dead_letters(container().settings).drop(key)
