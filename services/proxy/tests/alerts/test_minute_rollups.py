"""Minutes are summed up while they last, and again when a call of theirs has ended."""

from collections.abc import Callable
from datetime import timedelta

from common.clock import utc_now
from common.ids import new_id_at
from proxy.container import Container
from proxy.models import MinuteRollup, Transaction, TransactionStatus
from proxy.statistics.minute_rollups import roll_up_minutes
from sqlalchemy import select, update

Record = Callable[..., str]


def counted(container: Container) -> list[tuple[int, int, int]]:
    with container.database.reading() as session:
        row = MinuteRollup
        query = select(row.calls, row.open_calls, row.failures).order_by(row.minute)
        return [tuple(one) for one in session.execute(query)]


def test_a_call_that_ends_later_is_counted_in_its_minute(
    container: Container, record: Record
) -> None:
    now = utc_now().replace(second=30)
    record(
        correlation_id=new_id_at(now),
        started_at=now,
        status=TransactionStatus.PROCESSING,
        duration_ms=None,
    )
    roll_up_minutes(container.database, now)
    before = counted(container)
    with container.database.writing() as session:
        session.execute(
            update(Transaction).values(status=TransactionStatus.FAILED, duration_ms=5.0)
        )

    roll_up_minutes(container.database, now + timedelta(minutes=5))
    roll_up_minutes(container.database, now + timedelta(minutes=6))

    assert before == [(1, 1, 0)]
    assert counted(container) == [(1, 0, 1)]


def test_old_minutes_are_forgotten(container: Container, record: Record) -> None:
    now = utc_now()
    record(correlation_id=new_id_at(now), started_at=now)
    roll_up_minutes(container.database, now)
    roll_up_minutes(container.database, now + timedelta(hours=26))

    assert counted(container) == []
