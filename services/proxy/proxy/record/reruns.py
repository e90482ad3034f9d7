"""Calls that have ended are made again: as new transactions that point at their parent.

A rerun needs the request to the byte: a stored one, or a recorded body that was not shortened.
It obeys the channel's rules and the registrations as they are now; a worker makes it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from common.audit.log import note_act
from common.clock import utc_now
from common.db.database import Database
from common.db.sealed_texts import LOCKED
from common.ids import new_id
from common.texts import N_, _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable, RepeatedAlready
from proxy.gateway import channel_choice, esb
from proxy.gateway.call import Body, Call
from proxy.gateway.headers import forwarded_headers
from proxy.gateway.load_table import load_table
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.routing_table import RoutedChannel, RoutingTable
from proxy.models import FINAL_STATUSES, AsyncCall, StoredRequest, Transaction, TransactionStatus
from proxy.record.bodies import is_packed
from proxy.record.masks import MASK
from proxy.record.sealing import RequestCopy, Sealer
from proxy.record.stored_calls import rebuild
from proxy.registry.body_rules import check_body
from proxy.registry.records import locked

#: A body that was let in once is looked into whatever its size.
_RULES_MAX_BYTES = 256 * 1024 * 1024
REPEATED = N_("It was made again already")
IS_REPETITION = N_("It makes another call again itself")

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


def repeated_of(session: Session, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the calls that were made again already."""
    if not ids:
        return set()
    parent = Transaction.parent_id
    return set(session.scalars(select(parent).where(parent.in_(ids)).distinct()))


def rerun_one(
    database: Database, sealer: Sealer, parent_id: uuid.UUID, forward_timeout_s: float
) -> Rerun:
    """Repeat one call. Send a wake-up afterwards. Raises as `rerun`."""
    with database.writing() as session:
        return rerun(session, sealer, load_table(session, 0, forward_timeout_s), parent_id)


def rerun(
    session: Session,
    sealer: Sealer,
    table: RoutingTable,
    parent_id: uuid.UUID,
    *,
    only_once: bool = False,
) -> Rerun:
    """Put a repetition of one call where a worker finds it; with `only_once` of an original that
    was not repeated yet.

    Send a wake-up after the commit. Raises UnknownRecord, NotRepeatable (RepeatedAlready among
    them) with the reason.
    """
    parent = locked(session, Transaction, parent_id)
    if only_once:
        _check_first(session, parent)
    if parent.status not in FINAL_STATUSES:
        raise NotRepeatable(_("The call has not ended yet"))
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


def _check_first(session: Session, parent: Transaction) -> None:
    """The parent's lock makes two who ask at once ask one after the other."""
    if parent.parent_id is not None:
        raise RepeatedAlready(_(IS_REPETITION))
    if repeated_of(session, [parent.correlation_id]):
        raise RepeatedAlready(_(REPEATED))


def _request_of(session: Session, sealer: Sealer, parent: Transaction) -> RequestCopy:
    """The parent's request to the byte. Raises NotRepeatable."""
    stored = session.get(StoredRequest, parent.correlation_id)
    if stored is not None:
        return sealer.open(stored)
    if LOCKED in (parent.request_body, parent.request_url):
        raise NotRepeatable(_("The key that this request was stored under is gone"))
    if not parent.request_body_whole:
        raise NotRepeatable(
            _(
                "Only a shortened copy of its body was kept; "
                "set keep_whole_bodies on the channel to rerun such calls"
            )
        )
    path, _mark, query = parent.request_url.partition("?")
    if not path.startswith("/"):  # demonstration data may name a base URL
        path = "/" + path.partition("://")[2].partition("/")[2]
    if MASK in parent.request_url:
        raise NotRepeatable(_("Its URL held a secret, which was not kept"))
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
    raise NotRepeatable(
        _("Its channel %(channel)s no longer exists or is not active", channel=parent.channel_name)
    )


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
        return esb.plan(call, body.head, channel_choice.find_registration(call, registrations))
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
