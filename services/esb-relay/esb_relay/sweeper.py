"""Exchanges that a killed process left in hand are ended: their outcome is not known."""

from datetime import timedelta

from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import update

from esb_relay.config import Settings
from esb_relay.models import Exchange, ExchangeStatus

log = get_logger(__name__)

INTERRUPTED = "interrupted, outcome unknown"


def longest_exchange(settings: Settings) -> timedelta:
    """No exchange takes longer while its process lives."""
    once_s = settings.connect_timeout_s + 2 * settings.read_timeout_s
    longest_s = max((settings.max_attempts + 4) * once_s, 3 * settings.callback_timeout_s)
    return timedelta(seconds=longest_s)


def end_interrupted(database: Database, settings: Settings) -> int:
    """End what has been in hand for longer than anything can be; returns how many."""
    now = utc_now()
    with database.writing() as session:
        ended = session.execute(
            update(Exchange)
            .where(
                Exchange.status == ExchangeStatus.SENDING,
                Exchange.started_at < now - longest_exchange(settings),
            )
            .values(status=ExchangeStatus.UNKNOWN, error=INTERRUPTED, completed_at=now)
        )
        count = int(ended.rowcount)  # type: ignore[attr-defined]
    if count:
        log.warning("interrupted_exchanges_ended", count=count)
    return count
