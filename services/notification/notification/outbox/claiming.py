"""Claims: due messages in a worker's hands, under leases that are kept while it works."""

import heapq
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Self, cast

from common.clock import utc_now
from common.db.database import Database
from common.jobs.leases import is_free
from common.logs import get_logger
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from notification.models import ChannelCode, MessageStatus, OutboxMessage
from notification.models.outbox import IS_WAITING
from notification.models.records import Record

log = get_logger(__name__)


class Job(Record, frozen=True):
    """A message that a worker has: the columns of the outbox that its way needs."""

    unshown = frozenset({"to_phone", "to_email", "subject", "body", "html"})

    id: uuid.UUID
    channel: ChannelCode
    priority: str
    event_code: str
    rule_id: uuid.UUID
    language: str
    recipient_user_id: str
    recipient_actor_type: str
    entity_type: str | None
    entity_id: str | None
    idempotency_key: str
    to_phone: str | None
    to_email: str | None
    subject: str
    body: str | None
    html: str | None
    attachment_set: uuid.UUID | None
    sms_segments: int | None
    sender_name: str | None
    reply_to: str | None
    attempt_count: int
    max_attempts: int
    earlier_entries: int
    traceparent: str | None
    next_attempt_at: datetime

    @classmethod
    def of(cls, row: OutboxMessage) -> Self:
        """The job that `row` is."""
        return cls(*(getattr(row, name) for name in cls.__struct_fields__))

    @property
    def entry_no(self) -> int:
        """The number of this attempt in the delivery log."""
        return self.earlier_entries + self.attempt_count


_OUTBOX = cast(Table, OutboxMessage.__table__)
_COLUMNS = [_OUTBOX.c[name] for name in Job.__struct_fields__]

# Built once: composing a statement costs more than asking it.
_NEXT_RANK = (
    select(OutboxMessage.rank)
    .where(
        OutboxMessage.channel == bindparam("of"),
        IS_WAITING,
        OutboxMessage.rank > bindparam("above"),
    )
    .order_by(OutboxMessage.rank)
    .limit(1)
)
_DUE = (
    select(OutboxMessage.id)
    .where(
        OutboxMessage.channel == bindparam("of"),
        OutboxMessage.rank == bindparam("ranked"),
        IS_WAITING,
        is_free(OutboxMessage, cast(Any, bindparam("now"))),
        OutboxMessage.attempt_count < OutboxMessage.max_attempts,
    )
    .order_by(OutboxMessage.next_attempt_at)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id.in_(select(_DUE.c.id)))
    .values(
        status=MessageStatus.SENDING,
        lease_token=bindparam("token"),
        lease_until=bindparam("until"),
        attempt_count=_OUTBOX.c.attempt_count + 1,
    )
    .returning(*_COLUMNS)
)
_LOWEST_RANK = -32_768


@dataclass(frozen=True, slots=True)
class Slice:
    """Messages of one channel and rank that are begun together, under a token of their own."""

    token: uuid.UUID
    channel: ChannelCode
    jobs: Sequence[Job]


def claim_due(
    session: Session,
    sizes: Mapping[ChannelCode, int],
    *,
    limit: int,
    now: datetime,
    lease: timedelta,
    quotas: Mapping[ChannelCode, int] = MappingProxyType({}),
) -> list[Slice]:
    """Lease up to `limit` due messages, the most urgent first: they are SENDING from now on.

    `sizes`: the channels, and how many messages a slice of each holds at most; `quotas`: how many
    a channel takes now, where that is bounded.
    """
    slices: list[Slice] = []
    left = dict(quotas)
    # Rank by rank: what waits for a later time is never walked through.
    for rank, channel in heapq.merge(*(_ranks(session, channel) for channel in sizes)):
        while wanted_now := min(limit, left.get(channel, limit)):
            size = ceil(wanted_now / ceil(wanted_now / sizes[channel]))  # no small one at the end
            token = uuid.uuid4()
            wanted = {"of": channel, "ranked": rank, "size": size, "now": now}
            claim = {**wanted, "token": token, "until": now + lease}
            rows = session.execute(_CLAIM, claim).all()
            jobs = sorted((Job(*row) for row in rows), key=attrgetter("next_attempt_at", "id"))
            if jobs:
                slices.append(Slice(token, channel, jobs))
            limit -= len(jobs)
            if channel in left:
                left[channel] -= len(jobs)
            if len(jobs) < size:
                break
        if not limit:
            break
    return slices


def _ranks(session: Session, channel: ChannelCode) -> Iterator[tuple[int, ChannelCode]]:
    """The ranks of a channel's waiting messages, ascending: one short look into the index each."""
    above = _LOWEST_RANK
    while (rank := session.scalar(_NEXT_RANK, {"of": channel, "above": above})) is not None:
        yield rank, channel
        above = rank


#: The values of a message whose claim came to nothing: no attempt counts.
UNCLAIMED = {
    "status": MessageStatus.QUEUED,
    "attempt_count": OutboxMessage.attempt_count - 1,
    "lease_token": None,
    "lease_until": None,
}


def give_back(session: Session, tokens: Sequence[uuid.UUID]) -> None:
    """Queue again what was claimed under `tokens` and not begun."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.lease_token.in_(tokens))
        .values(UNCLAIMED)
        .execution_options(synchronize_session=False)
    )


@contextmanager
def kept(database: Database, tokens: Sequence[uuid.UUID], lease: timedelta) -> Iterator[None]:
    """Renew the leases beside a long batch."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(lease.total_seconds() / 3):
            try:
                with database.writing() as session:
                    session.execute(
                        update(OutboxMessage)
                        .where(OutboxMessage.lease_token.in_(tokens))
                        .values(lease_until=utc_now() + lease)
                        .execution_options(synchronize_session=False)
                    )
            except SQLAlchemyError as exc:
                log.warning("lease_not_renewed", reason=type(exc).__name__)

    threading.Thread(target=keep, name="outbox-lease", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
