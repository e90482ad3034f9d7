"""Messages that a killed worker left started are settled: again ready, or outcome unknown."""

from collections.abc import Callable, Collection
from datetime import datetime

from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import update
from sqlalchemy.orm import Session

from policy_notify.models import Delivery, IndicationDetails, PaymentNotice

log = get_logger(__name__)

INTERRUPTED = "Interrupted; whether it was sent is not known"


def settle_interrupted(
    database: Database,
    details: type[IndicationDetails] | type[PaymentNotice],
    repeatable: Collection[str],
    now: datetime,
    keep_lease: Callable[[Session], None],
) -> None:
    """Settle what a dead worker left started of `details`, while no other is at it.

    What only a provider of the names `repeatable` may have is ready again; of anything else nobody
    knows whether it was sent. `keep_lease` raises RunLost when another worker has the run.
    """
    is_safe = details.provider.is_(None) | details.provider.in_(repeatable)
    left = update(details).where(details.delivery == Delivery.STARTED)
    left = left.execution_options(synchronize_session=False)
    with database.writing() as session:
        keep_lease(session)
        session.execute(left.where(is_safe).values(delivery=Delivery.READY, reason=""))
        ended = {"delivery": Delivery.ENDED, "reason": INTERRUPTED, "ended_at": now}
        unknown = session.scalars(left.values(ended).returning(details.id)).all()
    if unknown:
        log.warning("outcome_unknown", count=len(unknown), ids=[str(one) for one in unknown])
