"""The calls of the last minutes, summed up by a worker every few seconds.

A minute is counted anew while it lasts, for a moment longer, and whenever a call of it has ended
since: how many are open says an index that holds those calls only.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from common.db.database import Database, insert_into
from common.ids import lowest_id_at, moment_of
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from proxy.models import OPEN_STATUSES, MinuteRollup, Transaction
from proxy.models.transactions import NOT_SUCCESSFUL
from proxy.record.transactions import within
from proxy.statistics.counting import counted_by_minute
from proxy.statistics.rollups import Rollup, compressed

MINUTE = timedelta(minutes=1)
#: Calls are on record this long after their beginning.
LAG = timedelta(seconds=10)
#: Of an open call older than this nobody is told when it ends.
OPEN_FOR = timedelta(hours=1)
#: Where nothing is summed up yet, or no worker ran for long, it begins so far back.
FURTHEST = timedelta(minutes=15)
KEPT_FOR = timedelta(hours=25)


def on_the_minute(moment: datetime) -> datetime:
    """The beginning of the minute."""
    return moment.replace(second=0, microsecond=0)


def roll_up_minutes(
    database: Database, now: datetime, confirm: Callable[[Session], None] = lambda _session: None
) -> int:
    """Sum up what may have changed, forget what is old; returns how many minutes were counted.

    `confirm` raises where another worker does so by now.
    """
    with database.reading() as session:
        spans = [one for one in _spans(session, now) if _has_calls(session, *one)]
        found = [counted_by_minute(session, *one) for one in spans]
    rows = [_row(*key, rollup) for one in found for key, rollup in one.items()]
    with database.writing() as session:
        confirm(session)
        if rows:
            statement = insert_into(session, MinuteRollup)
            changed = {name: statement.excluded[name] for name in _COUNTED}
            keys = list(MinuteRollup.__table__.primary_key)
            session.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=changed), rows
            )
        session.execute(delete(MinuteRollup).where(MinuteRollup.minute < now - KEPT_FOR))
    return sum((until - since) // MINUTE for since, until in spans)


def _has_calls(session: Session, since: datetime, until: datetime) -> bool:
    """Asked first: where nothing happens, this is all that is done."""
    some = select(Transaction.correlation_id).where(*within(since, until)).limit(1)
    return session.scalar(some) is not None


_COUNTED = ("calls", "open_calls", "failures", "durations")


def _row(minute: datetime, channel: str, client: str, rollup: Rollup) -> dict[str, object]:
    return {
        "minute": minute,
        "channel_name": channel,
        "client_name": client,
        "calls": rollup.calls,
        "open_calls": rollup.calls - rollup.spread.ended,
        "failures": rollup.failures,
        "durations": compressed(rollup.durations),
    }


def _spans(session: Session, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """What is to be counted: from whole minutes to whole minutes, apart from each other."""
    last = session.scalar(select(func.max(MinuteRollup.minute))) or now - FURTHEST
    since = on_the_minute(max(min(last, now - LAG), now - FURTHEST))
    until = on_the_minute(now) + MINUTE
    yield since, until
    for minute in sorted(_changed(session, now)):
        if not since <= minute < until:
            yield minute, minute + MINUTE


def _changed(session: Session, now: datetime) -> set[datetime]:
    """Past minutes in which other calls are open than when they were counted."""
    query = (
        select(MinuteRollup.minute, func.sum(MinuteRollup.open_calls))
        .where(MinuteRollup.minute >= now - OPEN_FOR, MinuteRollup.open_calls > 0)
        .group_by(MinuteRollup.minute)
    )
    before = {minute: int(count) for minute, count in session.execute(query)}
    open_now = _open_calls(session, now - OPEN_FOR)
    return {one for one in before if before[one] != open_now[one]}


def _open_calls(session: Session, since: datetime) -> Counter[datetime]:
    ids = session.scalars(
        select(Transaction.correlation_id).where(
            NOT_SUCCESSFUL,
            Transaction.status.in_(OPEN_STATUSES),
            Transaction.correlation_id >= lowest_id_at(since),
        )
    )
    return Counter(on_the_minute(moment_of(one)) for one in ids)
