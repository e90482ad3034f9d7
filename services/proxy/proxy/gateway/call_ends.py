"""The rows that end a call on record, and how it has ended."""

from common.http.replies import CORRELATION_HEADER, Fields

from proxy.gateway.admitted import Admitted
from proxy.gateway.answered import Answered
from proxy.gateway.headers import answered_headers
from proxy.gateway.sent_routes import SentRoutes
from proxy.models import TransactionStatus
from proxy.record.final_status import judged_status
from proxy.record.headers import recorded_headers
from proxy.record.rows import Row, ended_row
from proxy.record.statements import Act
from proxy.record.writer import Rows


async def end_rows(admitted: Admitted, ended: Row, key_end: Row | None) -> Rows:
    """What ends a call: a change of its row, or, where it never began, one row that is final.

    A key whose call was surely not sent is free again.
    """
    if not admitted.is_begun:
        started = await admitted.started_row(TransactionStatus.FAILED, owner=None)
        final = {name: value for name, value in ended.items() if name != "key_correlation_id"}
        return {Act.WHOLE: {**started, **final}}
    rows: Rows = {Act.END: ended}
    if key_end is not None and admitted.is_surely_not_sent:
        rows[Act.KEY_FREE] = {"key_correlation_id": admitted.call.correlation_id}
    elif key_end is not None:
        rows[Act.KEY_END] = key_end
    return rows


async def judged(routes: SentRoutes, answered: Answered) -> TransactionStatus:
    """How the call has ended by all that is known once the routes have that it waits for."""
    own = answered.report.status if answered.report else None
    routes.judge = lambda statuses: judged_status(answered.status, statuses, own)
    await routes.wait_for_waited()
    return routes.judge(routes.statuses)


def ended_call_row(
    admitted: Admitted,
    status: TransactionStatus,
    code: int,
    pairs: Fields,
    copy: str | None,
    *,
    response_body_length: int | None = None,
    error_message: str | None = None,
    esb_exchange_id: str | None = None,
) -> Row:
    """What is known of a call when it has ended with `code`, as `ended_row` gives it."""
    return ended_row(
        admitted.call.correlation_id,
        status,
        admitted.watch,
        response_status_code=code,
        response_headers=recorded_headers(pairs),
        response_body=copy,
        response_body_length=response_body_length,
        error_message=error_message,
        esb_exchange_id=esb_exchange_id,
    )


def answer_headers(admitted: Admitted, pairs: Fields) -> Fields:
    """The fields that a caller gets with a mediator's answer."""
    headers = answered_headers(pairs)
    headers.append((CORRELATION_HEADER, admitted.correlation_id))
    return headers
