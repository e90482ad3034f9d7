"""Bodies of some channels' calls are shown only to who says why: one place for all routes."""

from common.audit.log import viewing
from flask import request
from sqlalchemy.orm import Session

from proxy.errors import ReasonMissing
from proxy.models import Transaction
from proxy.record.transactions import asks_reason

MAX_REASON_CHARS = 200
HEADER = "X-Reason"


def note_reason(session: Session, *calls: Transaction) -> None:
    """Put the reason in `X-Reason` into the view's audit event.

    Raises ReasonMissing without one, where a call's channel asks for it.
    """
    reason = request.headers.get(HEADER, "").strip()[:MAX_REASON_CHARS]
    if not reason and asks_reason(session, *calls):
        raise ReasonMissing
    if reason:
        viewing(reason=reason)
