"""Late answers: queued once per `requestId`, posted to the engine until it has taken them."""

from dataclasses import dataclass, field

from common import tracing
from common.clock import utc_now
from common.logs import get_logger
from sqlalchemy import select
from sqlalchemy.orm import Session

from esb_relay.callbacks.answers import answer_data
from esb_relay.callbacks.results import Result
from esb_relay.errors import AnsweredAlready, UnsendableBody
from esb_relay.models import AsyncAnswer, DeliveryStatus, InboundRequest
from esb_relay.wire.terms import Format

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What shall be answered; `body` is a JSON text. Without `format`: as the call was written."""

    request_id: str
    success: bool
    message: str
    body: str | None = field(repr=False)
    format: Format | None = None
    organization: str | None = None


def queue_late_answer(
    session: Session,
    late: LateAnswer,
    caller: str,
    correlation_id: str,
    *,
    default_format: Format = Format.JSON,
    is_own: bool = False,
) -> AsyncAnswer:
    """The row that a worker posts from; the same answer again changes nothing.

    Raises AnsweredAlready for another answer (an own one gives way to what is there) and
    UnsendableBody (an own one becomes a failure that says so).
    """
    known = session.scalar(select(AsyncAnswer).where(AsyncAnswer.request_id == late.request_id))
    if known is not None:
        if is_own or _says_the_same(known, late):
            return known
        raise AnsweredAlready("This requestId has another late answer")
    row = AsyncAnswer(
        request_id=late.request_id,
        caller=caller,
        correlation_id=correlation_id,
        traceparent=tracing.traceparent(),
        organization=late.organization,
        status=DeliveryStatus.PENDING,
        format=late.format or _format_of_call(session, late.request_id) or default_format,
        success=late.success,
        message=late.message,
        body=late.body,
        attempt_count=0,
        next_attempt_at=utc_now(),
    )
    try:
        data_of(row)
    except UnsendableBody as exc:
        if not is_own:
            raise
        row.success, row.body = False, None
        row.message = f"the answer cannot be sent as {row.format}: {exc}"
    session.add(row)
    session.flush()
    return row


def data_of(row: AsyncAnswer) -> str:
    """`data` of the envelope. Raises UnsendableBody."""
    return answer_data(Result(row.success, row.message, row.body), row.format, row.request_id)


def _says_the_same(known: AsyncAnswer, late: LateAnswer) -> bool:
    return (known.success, known.message, known.body) == (late.success, late.message, late.body)


def _format_of_call(session: Session, request_id: str) -> Format | None:
    return session.scalar(
        select(InboundRequest.format).where(InboundRequest.request_id == request_id).limit(1)
    )
