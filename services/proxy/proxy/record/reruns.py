"""Calls that have ended are made again: as new transactions that point at their parent.

A rerun needs the request to the byte: a stored one, or a recorded body that was not shortened.
It obeys the channel's rules and the registrations as they are now; a worker makes it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.audit.log import note_act
from common.clock import utc_now
from common.db.database import Database
from common.ids import new_id
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable
from proxy.gateway import admission, esb
from proxy.gateway.call import Body, Call
from proxy.gateway.headers import forwarded_headers
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.routing import RoutedChannel, RoutingTable, load_table
from proxy.models import (
    FINAL_STATUSES,
    AsyncCall,
    StoredRequest,
    Transaction,
    TransactionStatus,
)
from proxy.record.bodies import is_packed
from proxy.record.masks import MASK
from proxy.record.sealing import RequestCopy, Sealer
from proxy.record.search import newest
from proxy.record.stored_calls import rebuild
from proxy.record.transactions import TransactionFilter
from proxy.registry.body_rules import check_body
from proxy.registry.records import existing

#: A body that was let in once is looked into whatever its size.
_RULES_MAX_BYTES = 256 * 1024 * 1024
#: Reruns that are committed together: small, so that calls do not wait for them.
BATCH = 50

_COPIED = (
    "channel_name",
    "client_name",
    "client_address",
    "request_method",
    "request_url",
    "request_headers",
    "request_body",
    "request_body_length",
    "request_body_whole",
)


@dataclass(frozen=True)
class Rerun:
    """A new call and the one that it repeats."""

    correlation_id: uuid.UUID
    parent_id: uuid.UUID


@dataclass(frozen=True)
class RefusedRerun:
    """A call that cannot be repeated, and why."""

    correlation_id: uuid.UUID
    reason: str


@dataclass
class Reruns:
    """What came of repeating many calls; `more` tells that there are further ones."""

    data: list[Rerun] = field(default_factory=list)
    refused: list[RefusedRerun] = field(default_factory=list)
    more: bool = False
    #: The oldest call that was looked at: the next ones are before it.
    last: uuid.UUID | None = None
    ok: bool = True

    @property
    def count(self) -> int:
        """How many new calls there are."""
        return len(self.data)


def rerun_matching(
    database: Database,
    sealer: Sealer,
    wanted: TransactionFilter,
    limit: int,
    forward_timeout_s: float,
    before: uuid.UUID | None = None,
) -> Reruns:
    """Repeat the newest `limit` calls that meet the filter; each batch is one transaction.

    Only those that are older than the call `before`, where it is given.
    """
    with database.reading() as session:
        calls, _ = newest(session, wanted, limit + 1, before)
    repeated = [call.correlation_id for call in calls[:limit]]
    outcome = Reruns(more=len(calls) > limit, last=repeated[-1] if repeated else None)
    for start in range(0, len(repeated), BATCH):
        batch = repeated[start : start + BATCH]
        _rerun_batch(database, sealer, batch, outcome, forward_timeout_s)
    return outcome


def count_matching(session: Session, wanted: TransactionFilter, most: int) -> int:
    """How many calls meet the filter; beyond `most` they are not counted."""
    calls, _ = newest(session, wanted, most)
    return len(calls)


def ends_since(
    session: Session, wanted: TransactionFilter, began: uuid.UUID
) -> dict[TransactionStatus, int]:
    """How those repetitions stand that were made since `began`, of older calls."""
    older = select(Transaction.correlation_id).where(
        *wanted.criteria(), Transaction.correlation_id < began
    )
    repeated = Transaction.parent_id.in_(older)
    counts = (
        select(Transaction.status, func.count())
        .where(Transaction.correlation_id >= began, repeated)
        .group_by(Transaction.status)
    )
    return dict(session.execute(counts).all())


def _rerun_batch(
    database: Database,
    sealer: Sealer,
    ids: Sequence[uuid.UUID],
    outcome: Reruns,
    forward_timeout_s: float,
) -> None:
    created, refused = [], []
    with database.writing() as session:
        table = load_table(session, 0, forward_timeout_s)
        for parent_id in ids:
            try:
                created.append(rerun(session, sealer, table, parent_id))
            except NotRepeatable as exc:
                refused.append(RefusedRerun(parent_id, str(exc)))
    outcome.data += created
    outcome.refused += refused


def rerun_one(
    database: Database, sealer: Sealer, parent_id: uuid.UUID, forward_timeout_s: float
) -> Rerun:
    """Repeat one call. Send a wake-up afterwards. Raises as `rerun`."""
    with database.writing() as session:
        return rerun(session, sealer, load_table(session, 0, forward_timeout_s), parent_id)


def rerun(session: Session, sealer: Sealer, table: RoutingTable, parent_id: uuid.UUID) -> Rerun:
    """Put a repetition of one call where a worker finds it.

    Send a wake-up after the commit. Raises UnknownRecord, NotRepeatable with the reason.
    """
    parent = existing(session, Transaction, parent_id)
    if parent.status not in FINAL_STATUSES:
        raise NotRepeatable("The call has not ended yet")
    transaction = _repetition(parent)
    request = _request_of(session, sealer, parent)
    channel = _channel_now(table, parent)
    message = _check(table, channel, parent, *rebuild(transaction, request))
    if message is not None:
        transaction.organization = message.organization
    session.add(transaction)
    session.flush()
    stored = StoredRequest(**sealer.row(transaction.correlation_id, request))
    session.add_all([stored, _work(transaction, request, channel, message)])
    session.flush()
    made = {"correlation_id": transaction.correlation_id}
    note_act(session, "transaction.rerun", parent_id, parent.channel_name or "", after=made)
    return Rerun(transaction.correlation_id, parent_id)


def _request_of(session: Session, sealer: Sealer, parent: Transaction) -> RequestCopy:
    """The parent's request to the byte. Raises NotRepeatable."""
    stored = session.get(StoredRequest, parent.correlation_id)
    if stored is not None:
        return sealer.open(stored)
    if not parent.request_body_whole:
        raise NotRepeatable(
            "Only a shortened copy of its body was kept; "
            "set keep_whole_bodies on the channel to rerun such calls"
        )
    path, _, query = parent.request_url.partition("?")
    if not path.startswith("/"):  # demonstration data may name a base URL
        path = "/" + path.partition("://")[2].partition("/")[2]
    if MASK in query:
        raise NotRepeatable("Its URL held a secret, which was not kept")
    kept = {name: str(value) for name, value in parent.request_headers.items() if value != MASK}
    if is_packed(kept.get("Content-Encoding", "")):
        del kept["Content-Encoding"]  # the record has the body unpacked
    headers = forwarded_headers(kept, is_async=True)
    return RequestCopy(path, query, headers, parent.request_body.encode())


def _repetition(parent: Transaction) -> Transaction:
    copied = {name: getattr(parent, name) for name in _COPIED}
    return Transaction(
        **copied,
        correlation_id=new_id(),
        parent_id=parent.correlation_id,
        status=TransactionStatus.PENDING,
        started_at=utc_now(),
    )


def _channel_now(table: RoutingTable, parent: Transaction) -> RoutedChannel | None:
    """The parent's channel as it is now; None for a call that knew none (mode `pure_esb`)."""
    if parent.channel_name is None:
        return None
    for channel in table.channels.values():
        if channel.name == parent.channel_name:
            return channel
    raise NotRepeatable(f"Its channel {parent.channel_name} no longer exists or is not active")


def _check(
    table: RoutingTable,
    channel: RoutedChannel | None,
    parent: Transaction,
    call: Call,
    body: Body,
) -> esb.EsbCall | None:
    """Ask what the gateway asks of a new call; gives the message for the bus, if it goes there."""
    registrations = channel.registrations if channel else table.global_registrations
    if parent.organization:
        call.headers.setdefault("X-Organization", parent.organization)
    try:
        if channel is not None:
            check_body(call, body, channel, _RULES_MAX_BYTES)
        if not registrations and channel is not None:
            return None
        return esb.plan(call, body.head, admission.find_registration(call, registrations))
    except RejectedCall as exc:
        raise NotRepeatable(exc.reason) from exc


def _work(
    transaction: Transaction,
    request: RequestCopy,
    channel: RoutedChannel | None,
    message: esb.EsbCall | None,
) -> AsyncCall:
    names = {name.lower() for name, _ in request.headers}
    return AsyncCall(
        correlation_id=transaction.correlation_id,
        channel_id=channel.id if channel else None,
        esb=message and message.address,
        has_idempotency_key="idempotency-key" in names,
        next_attempt_at=transaction.started_at,
        attempt_count=0,
    )
