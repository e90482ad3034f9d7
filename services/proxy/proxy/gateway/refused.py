"""What is kept and answered when a request is refused. Pure."""

from proxy.gateway.admission import Credentials
from proxy.gateway.admitted import Admitted
from proxy.gateway.call import Call
from proxy.gateway.recording import (
    MAX_REASON_CHARS,
    Row,
    ended_row,
    recorded_url,
    started_row,
    storable,
)
from proxy.gateway.refusals import NoChannel, Refusal
from proxy.gateway.replies import Reply, problem_reply
from proxy.gateway.statements import Act
from proxy.gateway.writer import Rows
from proxy.models import TransactionStatus

MAX_URL_CHARS = 2048
MAX_CLAIM_CHARS = 255


def refusal_reply(refusal: Refusal, correlation_id: str) -> Reply:
    """The refusal as a problem."""
    return problem_reply(
        refusal.status,
        refusal.reason,
        correlation_id,
        headers=refusal.headers,
        field_errors=refusal.field_errors,
    )


def refusal_row(call: Call, claimed: Credentials | None, refusal: Refusal) -> Row:
    """The row of the refusals' log."""
    return {
        "correlation_id": call.correlation_id,
        "rejected_at": call.started_at,
        "client_claimed": storable(claimed.client_id, MAX_CLAIM_CHARS) if claimed else None,
        "client_address": call.address,
        "request_method": call.method[:32],
        "request_path": storable(recorded_url(call), MAX_URL_CHARS),
        "status_code": refusal.status,
        "reason": storable(refusal.reason, MAX_REASON_CHARS),
        "nearest": refusal.nearest if isinstance(refusal, NoChannel) else None,
    }


def failed_rows(admitted: Admitted, refusal: Refusal) -> Rows:
    """A transaction that failed before it began: one row that is final already."""
    started = started_row(
        admitted.call,
        admitted.body,
        channel_name=admitted.channel_name,
        client_name=admitted.client.client_id,
        organization=None,
        status=TransactionStatus.FAILED,
        owner=None,
        storing=admitted.storing,
    )
    ended = ended_row(
        admitted.call.correlation_id,
        TransactionStatus.FAILED,
        admitted.watch,
        response_status_code=refusal.status,
        error_message=refusal.reason,
    )
    del ended["key_correlation_id"]
    return {Act.WHOLE: {**started, **ended}}
