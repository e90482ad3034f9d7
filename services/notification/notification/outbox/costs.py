"""What SMS cost, and which events' budgets of the month are spent."""

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from common.clock import utc_now
from common.texts import N_
from sqlalchemy import ColumnElement, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notification.models import ChannelCode, Event, MessageStatus, OutboxMessage, SmsCost
from notification.models.costs import PARTS_OF_UNIT
from notification.models.records import Record

#: `last_error` of a message that waits for its event's next budget.
HELD_BACK = N_("Held back: the event's SMS budget of this month is spent")
#: A held message is looked at again after this time, or when the next month begins.
LOOKED_AT_AGAIN = timedelta(hours=1)

_COSTS = cast(Table, SmsCost.__table__)
_SUMS = ("messages", "segments", "cost")


def _adding(insert: Any) -> Any:
    statement = insert(_COSTS)
    added = {name: _COSTS.c[name] + statement.excluded[name] for name in _SUMS}
    keys = ["month", "event_code", "provider"]
    return statement.on_conflict_do_update(index_elements=keys, set_=added)


# Built once: composing a statement costs more than asking it.
_ADD = {"postgresql": _adding(postgresql.insert), "sqlite": _adding(sqlite.insert)}


class Taken(Record, frozen=True):
    """A message that a provider took; `segments` of all its numbers, `price` of one of them."""

    event_code: str
    provider: str
    segments: int
    price: int


def in_units(cost: int) -> float:
    """A cost in units of the currency."""
    return cost / PARTS_OF_UNIT


def month_of(moment: datetime) -> str:
    """`2026-11`."""
    return f"{moment:%Y-%m}"


def next_look(now: datetime) -> datetime:
    """When a message that is held back is looked at again. Pure."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return min(now + LOOKED_AT_AGAIN, following)


def count_taken(session: Session, taken: Iterable[Taken], now: datetime) -> None:
    """Add messages to their month, in the order of the key: two workers do not cross."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in taken:
        total = sums[one.event_code, one.provider]
        total[0] += 1
        total[1] += one.segments
        total[2] += one.segments * one.price
    if not sums:
        return
    rows = [
        {"month": month_of(now), "event_code": event, "provider": provider}
        | dict(zip(_SUMS, total, strict=True))
        for (event, provider), total in sorted(sums.items())
    ]
    session.execute(_ADD[session.get_bind().dialect.name], rows if len(rows) > 1 else rows[0])


def is_spent(month: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an event's budget of `month` is spent: for a query over events."""
    spent = select(func.coalesce(func.sum(SmsCost.cost), 0)).where(
        SmsCost.month == month, SmsCost.event_code == Event.code
    )
    return spent.scalar_subquery() >= Event.sms_budget * PARTS_OF_UNIT


def release_held(session: Session, event_code: str) -> None:
    """Another budget: what was held back for it is looked at now."""
    session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.status == MessageStatus.QUEUED,
            OutboxMessage.event_code == event_code,
            OutboxMessage.channel == ChannelCode.SMS,
            OutboxMessage.last_error == HELD_BACK,
        )
        .values(next_attempt_at=utc_now())
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, kw_only=True)
class CostFilter:
    """Which months (`2026-01`, both included), events and providers; None does not count."""

    since: str | None = None
    until: str | None = None
    event_code: str | None = None
    provider: str | None = None


class By(enum.StrEnum):
    """What costs are told apart by."""

    ALL = "month_event_provider"
    MONTH = "month"
    EVENT = "event"
    PROVIDER = "provider"


_GROUPED_BY: dict[By, tuple[str, ...]] = {
    By.ALL: ("month", "event_code", "provider"),
    By.MONTH: ("month",),
    By.EVENT: ("event_code",),
    By.PROVIDER: ("provider",),
}


@dataclass(frozen=True)
class Spent:
    """SMS and what they cost, in parts of the currency's unit; None: not told apart by it."""

    month: str | None
    event_code: str | None
    provider: str | None
    messages: int
    segments: int
    cost: int


def summed(rows: Iterable[SmsCost], by: By) -> list[Spent]:
    """The same told apart by `by` only; the newest month, or else what cost most, first. Pure."""
    grouped = _GROUPED_BY[by]
    found: dict[tuple[str | None, ...], Spent] = {}
    for row in rows:
        month, event, provider = (
            getattr(row, name) if name in grouped else None for name in _GROUPED_BY[By.ALL]
        )
        had = found.get((month, event, provider), Spent(month, event, provider, 0, 0, 0))
        found[month, event, provider] = replace(
            had,
            messages=had.messages + row.messages,
            segments=had.segments + row.segments,
            cost=had.cost + row.cost,
        )
    spent = list(found.values())
    if by in (By.ALL, By.MONTH):
        return spent
    return sorted(spent, key=lambda one: -one.cost)


def costs(session: Session, wanted: CostFilter) -> Sequence[SmsCost]:
    """What SMS cost, the newest month first."""
    query = select(SmsCost)
    if wanted.since is not None:
        query = query.where(SmsCost.month >= wanted.since)
    if wanted.until is not None:
        query = query.where(SmsCost.month <= wanted.until)
    if wanted.event_code is not None:
        query = query.where(SmsCost.event_code == wanted.event_code)
    if wanted.provider is not None:
        query = query.where(SmsCost.provider == wanted.provider)
    order = (SmsCost.month.desc(), SmsCost.event_code, SmsCost.provider)
    return session.scalars(query.order_by(*order)).all()


@dataclass(frozen=True)
class Budget:
    """An event's budget of this month, and what is spent of it, in units of the currency."""

    event_code: str
    sms_budget: int
    spent: float

    @property
    def is_spent(self) -> bool:
        """Its SMS wait, but for CRITICAL ones."""
        return self.spent >= self.sms_budget


def budgets(session: Session, now: datetime) -> list[Budget]:
    """The budgets of all events that have one."""
    spent = func.coalesce(func.sum(SmsCost.cost), 0)
    is_of_month = (SmsCost.event_code == Event.code) & (SmsCost.month == month_of(now))
    rows = session.execute(
        select(Event.code, Event.sms_budget, spent)
        .outerjoin(SmsCost, is_of_month)
        .where(Event.sms_budget.is_not(None))
        .group_by(Event.code, Event.sms_budget)
        .order_by(Event.code)
    )
    return [Budget(code, budget or 0, in_units(int(total))) for code, budget, total in rows]
