"""What is kept for how long. That something was sent is kept for ever: it must not be sent again.

The words of a message and the number it went to are personal: they go after some time.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.db.file_size import give_back
from common.db.purging import in_batches, remove
from common.logs import get_logger
from sqlalchemy import Executable, Select, select, update
from sqlalchemy.orm import Session

from policy_notify.config import Settings
from policy_notify.models import Delivery, IndicationDetails, PaymentNotice, SeenEvent

log = get_logger(__name__)

#: A broker does not deliver an event again after such a time.
EVENTS_KEPT = timedelta(days=30)


def keep_bounded(database: Database, settings: Settings) -> dict[str, int]:
    """Remove what has outlived its time; returns how many rows of each kind."""
    removed = {
        "messages": _forget_messages(database, timedelta(days=settings.message_retention_days)),
        "payments": _forget_payments(database, timedelta(days=settings.message_retention_days)),
        "events": remove(database, SeenEvent, SeenEvent.consumed_at < utc_now() - EVENTS_KEPT),
    }
    give_back(database)
    log.info("purged", **removed)
    return removed


def _forget_messages(database: Database, age: timedelta) -> int:
    details = IndicationDetails
    old = select(details.id).where(
        details.message.is_not(None),
        details.delivery == Delivery.ENDED,
        details.created_at < utc_now() - age,
    )
    forget = update(details).values(message=None, recipient=None, variables=None)
    return _acted(database, old, lambda ids: forget.where(details.id.in_(ids)))


def _forget_payments(database: Database, age: timedelta) -> int:
    notice = PaymentNotice
    old = select(notice.id).where(
        notice.facts.is_not(None),
        notice.delivery == Delivery.ENDED,
        notice.created_at < utc_now() - age,
    )
    nothing = {"message": None, "recipient": None, "variables": None}
    nothing |= {"facts": None, "payer_number": None}
    forget = update(notice).values(nothing)
    return _acted(database, old, lambda ids: forget.where(notice.id.in_(ids)))


def _acted(database: Database, old: Select[Any], act: Callable[[Sequence[Any]], Executable]) -> int:
    """`act` on all that `old` finds, which finds it no longer then; returns how many."""

    def step(session: Session, limit: int) -> int:
        ids = session.scalars(old.limit(limit)).all()
        session.execute(act(ids).execution_options(synchronize_session=False))
        return len(ids)

    return in_batches(database, step)
