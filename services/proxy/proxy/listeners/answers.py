"""What goes back to a sender for what its call answered. Pure but for reading the answer."""

from datetime import datetime

from common.http.server_messages import BrokenReply, Reply

from proxy.gateway.call import Call, Failure
from proxy.gateway.raw_exchange import FRAME_END, FRAME_START
from proxy.listeners.acknowledgements import Outcome, acknowledgement, is_hl7

ACCEPTED = "Accepted, and will be sent"
ANSWERED = "The mediator answered {}"
CUT_OFF = Failure("The mediator's answer broke off, outcome unknown", is_surely_not_sent=False)
TOO_LARGE = Failure("The mediator's answer is too large to be passed on", is_surely_not_sent=False)


async def body_of(reply: Reply, max_bytes: int) -> bytes | Failure:
    """The whole body of an answer, read to its end so that the call ends."""
    if isinstance(reply.body, bytes):
        return reply.body
    whole = bytearray()
    try:
        async for piece in reply.body:
            if len(whole) <= max_bytes:
                whole += piece
    except BrokenReply:
        return CUT_OFF
    finally:
        close = getattr(reply.body, "aclose", None)
        if close is not None:
            await close()
    return bytes(whole) if len(whole) <= max_bytes else TOO_LARGE


def answer_to(
    message: bytes,
    call: Call,
    status: int,
    body: bytes | Failure,
    now: datetime,
    *,
    is_async: bool,
) -> bytes:
    """The answer without a frame: the mediator's own, else an acknowledgement of the hub's."""
    failure = body if isinstance(body, Failure) else call.failure
    if failure is not None:
        outcome = Outcome.REJECTED if failure.is_surely_not_sent else Outcome.ERROR
        return acknowledgement(message, outcome, failure.reason, call.correlation_id, now)
    assert isinstance(body, bytes)
    if is_async:
        return acknowledgement(message, Outcome.ACCEPTED, ACCEPTED, call.correlation_id, now)
    if is_hl7(body) or (status < 400 and body):
        return body
    if status < 400:
        return acknowledgement(message, Outcome.ACCEPTED, "", call.correlation_id, now)
    return acknowledgement(
        message, Outcome.ERROR, ANSWERED.format(status), call.correlation_id, now
    )


def passed_on(call: Call, body: bytes | Failure, *, is_async: bool) -> bytes:
    """What goes back for what is no HL7: the mediator's own words, else none that the sender of
    whatever it is would understand."""
    if isinstance(body, Failure) or call.failure is not None or is_async:
        return b""
    return body


def framed(answer: bytes) -> bytes:
    """The answer in a frame of MLLP, where it is none yet."""
    if answer.startswith(FRAME_START):
        return answer if answer.endswith(FRAME_END) else answer + FRAME_END
    return FRAME_START + answer + FRAME_END
