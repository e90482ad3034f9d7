"""`POST /api/notification/emit/`: an event happened."""

from http import HTTPStatus

from common.api import Blueprint

from notification.emission import Emission, Emitted, Suppressed
from notification.emitting import Emitter
from notification.parts import parts
from notification.routes.locations import PREFIX
from notification.schemas.emit import EmitIn, EmittedOut

blp = Blueprint("emit", __name__, url_prefix=PREFIX)

#: Nobody was to be told: not even a message was thought of.
_NOTHING_TO_DO = frozenset({Suppressed.NO_ACTIVE_RULE, Suppressed.NO_RECIPIENTS})


@blp.route("/emit/", methods=["POST"])
@blp.scope("notification:emit")
@blp.arguments(EmitIn)
@blp.response(201, EmittedOut)
@blp.alt_response(200, schema=EmittedOut, description="No active rule, or no recipients")
def emit_event(emission: Emission) -> tuple[Emitted, int]:
    """Queue an event's messages: all of them are on disk, or none is.

    What was not queued is in `skipped`, with its reason. The same `idempotency_key` again queues
    nothing twice.
    """
    process = parts()
    emitted = Emitter(process.database, process.settings.phone_region).emit(emission)
    if emitted.queued_outbox_ids:
        process.bell.ring()
    is_idle = emitted.reason in _NOTHING_TO_DO
    return emitted, HTTPStatus.OK if is_idle else HTTPStatus.CREATED
