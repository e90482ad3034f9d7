"""`POST /api/notification/emit/`: an event happened."""

from http import HTTPStatus

import marshmallow as ma

from notification.container import container
from notification.emit.emitter import emitter_of
from notification.emit.event import Emission, Emitted, Suppressed
from notification.routes.locations import PREFIX
from notification.routes.written_json import WrittenBlueprint
from notification.schemas.emit import EmitIn, EmittedOut

blp = WrittenBlueprint("emit", __name__, url_prefix=PREFIX)

#: Nobody was to be told: not even a message was thought of.
_NOTHING_TO_DO = frozenset({Suppressed.NO_ACTIVE_RULE, Suppressed.NO_RECIPIENTS})


@blp.route("/emit/", methods=["POST"])
@blp.scope("notification:emit")
@blp.arguments(EmitIn, unknown=ma.EXCLUDE)
@blp.response(201, EmittedOut)
@blp.alt_response(200, schema=EmittedOut, description="No active rule, or no recipients")
def emit_event(emission: Emission) -> tuple[Emitted, int]:
    """Queue an event's messages: all of them are on disk, or none is.

    What was not queued is in `skipped`, with its reason. The same `idempotency_key` again queues
    nothing twice.
    """
    process = container()
    emitted = emitter_of(process).emit(emission)
    if emitted.queued_outbox_ids:
        process.wake_up.send()
    is_idle = emitted.reason in _NOTHING_TO_DO
    return emitted, HTTPStatus.OK if is_idle else HTTPStatus.CREATED
