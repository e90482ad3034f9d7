"""What came of a run: counted from its attempts, so that a continued run counts right."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policy_notify.models import IndicationDetails, IndicationStatus

_ELIGIBLE = frozenset({IndicationStatus.UNDEFINED, IndicationStatus.SENT, IndicationStatus.ERROR})


def summarise(session: Session, run_id: UUID) -> dict[str, Any]:
    """`{"found", "eligible", "sent", "failed", "by_type": {type: {…, "reasons": {…}}}}`."""
    details = IndicationDetails
    rows = session.execute(
        select(details.type, details.status, details.reason, func.count())
        .where(details.run_id == run_id)
        .group_by(details.type, details.status, details.reason)
        .order_by(details.type, details.status, details.reason)
    ).all()
    by_type: dict[str, dict[str, Any]] = defaultdict(_empty)
    total = _empty()
    for type_, status, reason, count in rows:
        for counts in (total, by_type[type_.value]):
            _count(counts, status, reason, count)
    total["by_type"] = dict(by_type)
    return total


def _empty() -> dict[str, Any]:
    return {"found": 0, "eligible": 0, "sent": 0, "failed": 0, "reasons": {}}


def _count(counts: dict[str, Any], status: IndicationStatus, reason: str, count: int) -> None:
    counts["found"] += count
    counts["eligible"] += count if status in _ELIGIBLE else 0
    counts["sent"] += count if status is IndicationStatus.SENT else 0
    counts["failed"] += count if status is IndicationStatus.ERROR else 0
    if reason:
        counts["reasons"][reason] = counts["reasons"].get(reason, 0) + count
