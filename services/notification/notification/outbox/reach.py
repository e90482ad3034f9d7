"""Whom messages reach: addresses that failed for good are counted until something arrives there."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from common.audit.log import note_act
from common.db.database import insert_into
from common.ids import new_id
from sqlalchemy import ColumnElement, Select, Table, delete, select, update
from sqlalchemy.orm import Session

from notification.catalogue.preferences import CHUNK, Person
from notification.errors import UnknownRecord
from notification.models import AddressFailure, ChannelCode
from notification.outbox.row_changes import is_one_of

#: More is not counted: the column is a small number.
MOST_COUNTED = 30_000

_FAILURES = cast(Table, AddressFailure.__table__)


@dataclass(frozen=True, slots=True)
class Failed:
    """An address of a person where a message could not be brought, for good."""

    person: Person
    channel: ChannelCode
    address: str = field(repr=False)
    reason: str | None


def count_failed(session: Session, failed: Iterable[Failed], now: datetime) -> None:
    """One failure more for each, in the order of the key: two workers do not cross."""
    table = _FAILURES
    for one in sorted(failed, key=lambda one: (one.address, one.person)):
        user_id, actor_type = one.person
        statement = insert_into(session, table).values(
            id=new_id(),
            user_id=user_id,
            actor_type=actor_type,
            channel=one.channel,
            address=one.address,
            failures=1,
            reason=one.reason,
            last_at=now,
        )
        more = {"failures": table.c.failures + 1, "reason": one.reason, "last_at": now}
        if _is_known(session, one):  # one that is in clear yet is no conflict for a sealed one
            is_it = *_is(one), table.c.failures < MOST_COUNTED
            session.execute(update(table).where(*is_it).values(more))
            continue
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["address", "user_id", "actor_type"],
                set_=more,
                where=table.c.failures < MOST_COUNTED,
            )
        )


def _is(one: Failed) -> tuple[ColumnElement[bool], ...]:
    user_id, actor_type = one.person
    of = _FAILURES.c
    return of.address == one.address, of.user_id == user_id, of.actor_type == actor_type


def _is_known(session: Session, one: Failed) -> bool:
    return session.scalar(select(_FAILURES.c.id).where(*_is(one))) is not None


def forget_arrived(session: Session, addresses: Iterable[str]) -> None:
    """Something arrived there: whoever has the address can be reached."""
    arrived = sorted(set(addresses))
    if arrived:
        session.execute(delete(_FAILURES).where(_FAILURES.c.address.in_(arrived)))


def unreachable(
    session: Session, user_ids: Iterable[str], skipped_after: int
) -> dict[Person, Mapping[str, int]]:
    """Where people cannot be reached, by address, with the failures; 0: nobody is given up."""
    found: dict[Person, dict[str, int]] = {}
    ids = list(dict.fromkeys(user_ids)) if skipped_after else []
    columns = (_FAILURES.c.user_id, _FAILURES.c.actor_type, _FAILURES.c.address)
    for start in range(0, len(ids), CHUNK):
        some = select(*columns, _FAILURES.c.failures).where(
            is_one_of(session, _FAILURES.c.user_id, ids[start : start + CHUNK]),
            _FAILURES.c.failures >= skipped_after,
        )
        for user_id, actor_type, address, failures in session.execute(some):
            found.setdefault((user_id, actor_type), {})[address] = failures
    return dict(found)


@dataclass(frozen=True, kw_only=True)
class FailureFilter:
    """Which addresses; None does not count."""

    channel: ChannelCode | None = None
    user_id: str | None = None
    actor_type: str | None = None
    skipped: bool | None = None


def matching(wanted: FailureFilter, skipped_after: int) -> Select[Any]:
    """The addresses that meet every condition."""
    query = select(AddressFailure)
    if wanted.channel is not None:
        query = query.where(AddressFailure.channel == wanted.channel)
    if wanted.user_id is not None:
        query = query.where(AddressFailure.user_id == wanted.user_id)
    if wanted.actor_type is not None:
        query = query.where(AddressFailure.actor_type == wanted.actor_type)
    if wanted.skipped is not None:
        least = skipped_after or MOST_COUNTED + 1
        is_skipped = AddressFailure.failures >= least
        query = query.where(is_skipped if wanted.skipped else ~is_skipped)
    return query


def try_again(session: Session, failure_id: uuid.UUID) -> AddressFailure:
    """Forget an address's failures: the next message goes there. Raises UnknownRecord."""
    found = session.get(AddressFailure, failure_id)
    if found is None:
        raise UnknownRecord("address", failure_id)
    note_act(session, "address.tried_again", found.id, found.actor_type)
    session.delete(found)
    return found
