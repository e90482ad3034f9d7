"""What is told at once where it would be too much one by one: held messages, and their digest.

A window begins with a person's first message of an event over a channel. Its row is locked by who
counts: any number of processes let through exactly as many as the event says.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from common.db.database import insert_into
from common.ids import new_id
from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from notification.catalogue.preferences import CHUNK
from notification.models import (
    ChannelCode,
    DigestItem,
    DigestWindow,
    Event,
    MessageStatus,
    OutboxMessage,
)
from notification.outbox.outcomes import CRITICAL

_WINDOWS, _ITEMS = (cast(Table, model.__table__) for model in (DigestWindow, DigestItem))
_KEY = ("channel", "user_id", "actor_type")

Key = tuple[ChannelCode, str, str]
"""A channel, a user id and an actor type."""


def hold_back(
    session: Session, event: Event, rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Of an event's messages that were queued in this transaction, let WAIT what is too much."""
    if event.digest_after is None or event.digest_window_s is None:
        return
    counted = [row for row in rows if may_be_held(row, now)]
    window_of = _locked(session, event, {_key(row) for row in counted}, now)
    items = []
    for row in counted:
        window = window_of[_key(row)]
        if not passes(window, event.digest_after, timedelta(seconds=event.digest_window_s), now):
            items.append({"outbox_id": row["id"], "window_id": window.id})
    if items:
        session.execute(insert(_ITEMS), items)
        _wait(session, [one["outbox_id"] for one in items])


def may_be_held(row: dict[str, Any], now: datetime) -> bool:
    """Not what is CRITICAL, nor what was asked for at a later time. Pure."""
    is_for_later = row["send_at"] is not None and row["send_at"] > now
    return row["priority"] != CRITICAL and not is_for_later


def passes(window: DigestWindow, after: int, length: timedelta, now: datetime) -> bool:
    """Count a message; whether it leaves by itself. A window that is over begins anew."""
    if window.ends_at <= now and not window.held:
        window.passed, window.ends_at = 0, now + length
    if window.passed < after:
        window.passed += 1
        return True
    window.held += 1
    return False


def _key(row: dict[str, Any]) -> Key:
    return row["channel"], row["recipient_user_id"], row["recipient_actor_type"]


def _locked(
    session: Session, event: Event, keys: set[Key], now: datetime
) -> dict[Key, DigestWindow]:
    """The windows of these people, made where there is none. Locked in one order."""
    ends_at = now + timedelta(seconds=event.digest_window_s or 0)
    new = [
        {
            **dict(zip(_KEY, key, strict=True)),
            "id": new_id(),
            "event_code": event.code,
            "ends_at": ends_at,
            "passed": 0,
            "held": 0,
        }
        # One that is in clear yet is no conflict for a sealed one.
        for key in sorted(keys - _known(session, event, keys))
    ]
    if new:
        session.execute(insert_into(session, _WINDOWS).on_conflict_do_nothing(), new)
    user_ids, found = sorted({user_id for _, user_id, _ in keys}), {}
    for start in range(0, len(user_ids), CHUNK):
        some = (
            select(DigestWindow)
            .where(
                DigestWindow.event_code == event.code,
                DigestWindow.user_id.in_(user_ids[start : start + CHUNK]),
            )
            .order_by(DigestWindow.id)
            .with_for_update()
        )
        found.update(
            {(one.channel, one.user_id, one.actor_type): one for one in session.scalars(some)}
        )
    return found


def _known(session: Session, event: Event, keys: set[Key]) -> set[Key]:
    user_ids, found = sorted({user_id for _, user_id, _ in keys}), set[Key]()
    columns = DigestWindow.channel, DigestWindow.user_id, DigestWindow.actor_type
    for start in range(0, len(user_ids), CHUNK):
        some = select(*columns).where(
            DigestWindow.event_code == event.code,
            DigestWindow.user_id.in_(user_ids[start : start + CHUNK]),
        )
        rows = session.execute(some)
        found.update((channel, user_id, actor_type) for channel, user_id, actor_type in rows)
    return found


def _wait(session: Session, ids: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(ids), CHUNK):
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(ids[start : start + CHUNK]))
            .values(status=MessageStatus.WAITING)
            .execution_options(synchronize_session=False)
        )


@dataclass(frozen=True, slots=True)
class Digest:
    """A message's part in a digest: the one that told it, or will at `ends_at`; what it tells."""

    id: uuid.UUID | None = None
    ends_at: datetime | None = None
    items: Sequence[uuid.UUID] = ()

    @property
    def is_part(self) -> bool:
        """It was held, or is a digest."""
        return bool(self.id or self.ends_at or self.items)


def digest_of(session: Session, outbox_id: uuid.UUID) -> Digest:
    """What a message has to do with digests."""
    item = session.get(DigestItem, outbox_id)
    window = session.get(DigestWindow, item.window_id) if item else None
    digest_id = item.digest_id if item else None
    ends_at = window.ends_at if window and digest_id is None else None
    said = select(DigestItem.outbox_id).where(DigestItem.digest_id == outbox_id)
    items = session.scalars(said.order_by(DigestItem.outbox_id)).all()
    return Digest(digest_id, ends_at, items)
