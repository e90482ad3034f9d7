"""Searching the record newest first: however large it is and whatever is asked for, soon answered.

The search goes back step by step. A step looks at so many *candidates*: the newest calls that meet
one condition of the filter which an index answers (else: the newest calls), and keeps those that
meet all of it. When a page is not full after `BUDGET_S`, it is given as it is, with the time that
the search has come back to and a cursor that goes on from there.
"""

import math
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from common.ids import moment_of
from common.web.paging import bounded, decode_cursor, encode_cursor
from sqlalchemy import ColumnElement, Select, false, select, union_all
from sqlalchemy.orm import Session

from proxy.models import Transaction
from proxy.record.addresses import ADDRESS, BUDGET_S, Found, with_addresses
from proxy.record.transactions import Condition, TransactionFilter, calls_of, channels_of, summaries

#: The candidates of a step. Scattered ones cost a page each: a step is to take milliseconds.
STEP = 2_000

#: Conditions that an index answers; of several such, the candidates meet one.
Lead = Sequence[Sequence[Condition]]
#: The channels of a mediator are looked through one by one; of more, no index helps.
MOST_CHANNELS = 20

_id = Transaction.correlation_id


def find(
    session: Session, wanted: TransactionFilter, *, limit: int, cursor: str | None
) -> Found[Transaction]:
    """The newest calls after `cursor` that meet the filter, without bodies and headers.

    Raises Invalid for a cursor this list never gave out.
    """
    limit = bounded(limit)
    below = decode_cursor(cursor, _id) if cursor else None
    calls, edge = newest(session, wanted, limit + 1, below, budget_s=BUDGET_S)
    if len(calls) > limit:
        return Found(calls[:limit], encode_cursor(calls[limit - 1].correlation_id))
    if edge is not None:
        return Found(calls, encode_cursor(edge), searched_back_to=moment_of(edge))
    return Found(calls, None)


def newest(
    session: Session,
    wanted: TransactionFilter,
    count: int,
    below: uuid.UUID | None = None,
    *,
    budget_s: float = math.inf,
) -> tuple[list[Transaction], uuid.UUID | None]:
    """At most `count` calls that meet the filter, and where the search ended: None, at the end."""
    until = time.monotonic() + budget_s
    lead = _furthest_reaching(session, wanted, below)
    calls: list[Transaction] = []
    while True:
        step = Step(wanted, lead, below)
        edge = step.edge(session)
        calls += meeting(session, wanted, count - len(calls), partial(step.of, edge))
        if len(calls) == count:
            return calls, calls[-1].correlation_id
        if edge is None or time.monotonic() > until:
            return calls, edge
        below = edge


def meeting(
    session: Session,
    wanted: TransactionFilter,
    count: int,
    placed: Callable[[Any], Any],
) -> Sequence[Transaction]:
    """The first calls that meet the filter among those where `placed` puts a query, in its order.

    Where the filter asks for what is in addresses, those of at most `STEP` calls are looked into.
    """
    if not wanted.reads_addresses:
        return session.scalars(placed(summaries(wanted)).limit(count)).all()
    query = placed(select(*ADDRESS).where(*wanted.criteria())).limit(STEP)
    at = with_addresses(session, query)
    ids = [row.correlation_id for row, url in at if wanted.is_met_at(url, row.error_message)]
    return session.scalars(calls_of(ids[:count])).all() if ids else []


def _furthest_reaching(
    session: Session, wanted: TransactionFilter, below: uuid.UUID | None
) -> Lead:
    """The lead that the fewest calls meet: its candidates go back furthest."""
    leads = _leads(session, wanted)
    if len(leads) == 1:
        return leads[0]
    edges = [Step(wanted, lead, below).edge(session) for lead in leads]
    return leads[min(range(len(leads)), key=lambda at: edges[at] or uuid.UUID(int=0))]


def _leads(session: Session, wanted: TransactionFilter) -> list[Lead]:
    leads: list[Lead] = [[lead] for lead in wanted.leads()]
    if wanted.mediator is not None:
        names = session.scalars(channels_of(wanted.mediator).limit(MOST_CHANNELS + 1)).all()
        if len(names) <= MOST_CHANNELS:
            leads.append([[Transaction.channel_name == name] for name in names] or [[false()]])
    return leads or [[[]]]


@dataclass(frozen=True)
class Step:
    """The newest candidates below an id."""

    wanted: TransactionFilter
    lead: Lead
    below: uuid.UUID | None

    def ids(self) -> Select[uuid.UUID]:
        """The candidates and all before them, newest first: read from an index alone."""
        if len(self.lead) == 1:
            return self._ids(self.lead[0])
        parts = [self._ids(one).limit(STEP).subquery() for one in self.lead]
        all_of_them = union_all(*(select(part) for part in parts)).subquery()
        found = all_of_them.c.correlation_id
        return select(found).order_by(found.desc())

    def _ids(self, lead: Sequence[Condition]) -> Select[uuid.UUID]:
        conditions = (*lead, *self.wanted.span(), *self._range(None))
        return select(_id).where(*conditions).order_by(_id.desc())

    def edge(self, session: Session) -> uuid.UUID | None:
        """The last candidate; None when there are fewer."""
        return session.scalar(self.ids().offset(STEP - 1).limit(1))

    def of(self, edge: uuid.UUID | None, calls: Any) -> Any:
        """Those of a query of calls that are candidates, newest first.

        Without a condition that leads they are a range of ids, read where it lies. With one, the
        index is asked for ids alone: a planner that knows how frequent a value is, but not that
        all of it is old, would rather read everything that is newer.
        """
        if self.lead == [[]]:
            return calls.where(*self._range(edge)).order_by(_id.desc())
        ids = self.ids().limit(STEP).subquery()
        return calls.join(ids, _id == ids.c.correlation_id).order_by(ids.c.correlation_id.desc())

    def _range(self, edge: uuid.UUID | None) -> list[ColumnElement[bool]]:
        lowest = [] if edge is None else [_id >= edge]
        return lowest if self.below is None else [*lowest, _id < self.below]
