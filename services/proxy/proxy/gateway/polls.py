"""Polls: calls that the hub makes itself, when a channel's schedule says so.

A due time is claimed under a lease. The call that it becomes, an accepted asynchronous one, and the
next due time are committed together while the claim stands: so each is made once, by however many
workers. The next is claimed when the call before it has ended.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from common.clock import utc_now
from common.db.reader import Reader
from common.ids import new_id
from common.jobs.leased_tasks import LeasedTasks
from common.jobs.leases import ClaimLost, held
from common.logs import get_logger
from sqlalchemy import exists, insert, null, select, update

from proxy.container import Container
from proxy.gateway.admission import Admission
from proxy.gateway.admitted import Admitted
from proxy.gateway.async_calls import accepted_rows
from proxy.gateway.call import Call, Origin
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import RoutedChannel, RoutingTable
from proxy.models import AsyncCall, Channel, Poll, Rejection, StoredRequest, Transaction
from proxy.record.rejections import rejection_row
from proxy.record.statements import Act
from proxy.record.stored_calls import request_copy
from proxy.record.writer import Rows
from proxy.registry.schedules import Schedule, schedule_of

log = get_logger(__name__)

#: What a mediator learns of a poll. The second as OpenHIM's mediators know it.
DUE_HEADER, LAST_RUN_HEADER = "X-Poll-Due-At", "X-OpenHIM-LastRunAt"
#: Whose address a poll is said to come from.
OWN_ADDRESS = "127.0.0.1"
LOOK_EVERY_S = 1.0
MOST_AT_ONCE = 16

_TABLES: Mapping[Act, type[Any]] = {
    Act.START: Transaction,
    Act.STORE: StoredRequest,
    Act.ACCEPT: AsyncCall,
    Act.REJECT: Rejection,
}

#: The call that was made last has not ended.
_IS_RUNNING = exists().where(AsyncCall.correlation_id == Poll.call_id)
_POLLED = select(Channel.id).where(Channel.is_active, Channel.polling.is_not(null()))
#: What a due time meets that can be made now.
MAY_BE_MADE = (Poll.channel_id.in_(_POLLED), ~_IS_RUNNING)


@dataclass(frozen=True)
class DuePoll:
    """One due time in this worker's hands."""

    channel_id: uuid.UUID
    token: uuid.UUID
    due: datetime
    made_for: datetime | None


class Polls:
    """Makes the due polls; `calls` are woken for what becomes of them."""

    def __init__(
        self,
        container: Container,
        routing: Routing,
        threads: Reader,
        calls: LeasedTasks[Any, Any],
    ) -> None:
        self._database = container.database
        self._routing = routing
        self._admission = Admission(container, routing, threads, _keep_nothing)
        self._sealer = container.sealer
        self._threads = threads
        self._is_pure_esb = container.settings.mediator_mode == "pure_esb"
        self._calls = calls
        self._tasks = LeasedTasks(
            container.database,
            Poll,
            _due_poll,
            self._make,
            *MAY_BE_MADE,
            threads=threads,
            most=MOST_AT_ONCE,
            lease_s=container.settings.async_lease_s,
            log_id=lambda poll: str(poll.channel_id),
        )

    async def work(self, stopping: asyncio.Event) -> None:
        """Make what falls due until `stopping`; without channels (mode `pure_esb`) nothing does."""
        if self._is_pure_esb:
            return
        watching = asyncio.create_task(self._wake_when_due())
        try:
            await self._tasks.work(stopping)
        finally:
            watching.cancel()
            self._admission.close()

    async def _wake_when_due(self) -> None:
        seen: RoutingTable | None = None
        due: datetime | None = None
        while True:
            table, now = self._routing.table(), utc_now()
            if due is not None and due <= now:
                self._tasks.wake()
            if table is not seen or (due is not None and due <= now):
                seen, due = table, _first_due(table, now)
            wait_s = LOOK_EVERY_S if due is None else (due - now).total_seconds()
            await asyncio.sleep(min(LOOK_EVERY_S, wait_s))

    async def _make(self, poll: DuePoll) -> None:
        channel = await self._routing.channel(poll.channel_id, self._threads)
        schedule = await self._threads.run(lambda: self._schedule(poll.channel_id))
        if channel is None or schedule is None:
            return  # changed this very moment: its lease ends, and it is looked at again
        due = schedule.to_make(poll.due, utc_now())
        call = _call(channel, due, poll.made_for)
        rows = await self._rows(call, channel)
        following = schedule.after(due)
        try:
            await self._threads.run(lambda: self._commit(poll, call, due, following, rows))
        except ClaimLost:
            log.warning("claim_lost", channel=channel.name)
            return
        self._calls.wake()

    def _schedule(self, channel_id: uuid.UUID) -> Schedule | None:
        """As it is stored: the due time is one of this schedule's, whatever the routing table was
        compiled from; a change from now on takes the claim away."""
        with self._database.reading() as session:
            polling = session.scalar(select(Channel.polling).where(Channel.id == channel_id))
        return schedule_of(**polling) if polling else None

    async def _rows(self, call: Call, channel: RoutedChannel) -> Rows:
        """The call as a worker finds it; one that is not let in is kept as every rejection."""
        try:
            admitted = await self._admission.admit(call, None, channel.name)
        except RejectedCall as rejected:
            log.warning("poll_rejected", channel=channel.name, reason=rejected.reason)
            row = rejection_row(call, channel.acts_for or None, rejected)
            return {Act.REJECT: self._sealer.seal_rejection(row)}
        finally:
            if call.slot is not None:
                call.slot.leave()
        copy = await request_copy(call, admitted.body, is_async=True)
        return await accepted_rows(self._sealer, admitted, copy)

    def _commit(
        self, poll: DuePoll, call: Call, due: datetime, following: datetime, rows: Rows
    ) -> None:
        """Raises ClaimLost."""
        with self._database.writing() as session:
            taken = session.execute(
                update(Poll)
                .where(Poll.channel_id == poll.channel_id)
                .where(held(Poll, poll.token), ~_IS_RUNNING)
                .values(
                    next_attempt_at=following,
                    lease_until=None,
                    lease_token=None,
                    call_id=call.correlation_id,
                    made_for=due,
                )
            )
            if taken.rowcount:  # type: ignore[attr-defined]
                for act, row in rows.items():
                    session.execute(insert(_TABLES[act]), row)
                return
            release = {"lease_until": None, "lease_token": None}
            session.execute(update(Poll).where(held(Poll, poll.token)).values(release))
        raise ClaimLost


async def _keep_nothing(_admitted: Admitted, _rejected: RejectedCall) -> None:
    """A poll that a rule for bodies rejects is kept among the rejections."""


def _due_poll(row: Poll, token: uuid.UUID) -> DuePoll:
    return DuePoll(row.channel_id, token, row.next_attempt_at, row.made_for)


def _first_due(table: RoutingTable, now: datetime) -> datetime | None:
    schedules = (one.schedule for one in table.channels.values())
    return min((one.after(now) for one in schedules if one is not None), default=None)


def _call(channel: RoutedChannel, due: datetime, made_for: datetime | None) -> Call:
    headers = {DUE_HEADER: due.isoformat()}
    if made_for is not None:
        headers[LAST_RUN_HEADER] = made_for.isoformat()
    return Call(
        correlation_id=new_id(),
        started_at=utc_now(),
        started_ns=time.perf_counter_ns(),
        method=next(iter(channel.methods), "GET"),
        raw_path=quote(channel.pattern),
        raw_query="",
        headers=headers,
        address=OWN_ADDRESS,
        host="",
        scheme="http",
        content_length=0,
        stream=None,
        origin=Origin(channel.acts_for, is_poll=True),
    )
