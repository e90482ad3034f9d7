"""Questions to the outbox."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.ids import lowest_id_at
from sqlalchemy import ColumnElement, Select, and_, func, not_, select
from sqlalchemy.orm import Session

from notification.errors import UnknownRecord
from notification.models import ChannelCode, DeliveryPart, MessageStatus, OutboxMessage
from notification.outbox.cascades import Place, cascade_of
from notification.outbox.digests import Digest, digest_of


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages; what is None does not count."""

    status: MessageStatus | None = None
    channel: ChannelCode | None = None
    due: bool | None = None
    event_code: str | None = None
    user_id: str | None = None
    actor_type: str | None = None
    #: Made from then on, and before.
    since: datetime | None = None
    until: datetime | None = None


def matching(wanted: MessageFilter, now: datetime) -> Select[Any]:
    """The messages that meet every condition."""
    query = select(OutboxMessage)
    if wanted.status is not None:
        query = query.where(OutboxMessage.status == wanted.status)
    if wanted.channel is not None:
        query = query.where(OutboxMessage.channel == wanted.channel)
    if wanted.event_code is not None:
        query = query.where(OutboxMessage.event_code == wanted.event_code)
    if wanted.user_id is not None:
        query = query.where(OutboxMessage.recipient_user_id == wanted.user_id)
    if wanted.actor_type is not None:
        query = query.where(OutboxMessage.recipient_actor_type == wanted.actor_type)
    if wanted.since is not None:
        query = query.where(OutboxMessage.id >= lowest_id_at(wanted.since))
    if wanted.until is not None:
        query = query.where(OutboxMessage.id < lowest_id_at(wanted.until))
    if wanted.due is not None:
        query = query.where(is_due(now) if wanted.due else not_(is_due(now)))
    return query


class WholeMessage:
    """A message with its numbers and its company; its other members are the message's."""

    def __init__(
        self,
        message: OutboxMessage,
        numbers: Sequence[Mapping[str, Any]],
        cascade: Sequence[Place],
        digest: Digest,
    ) -> None:
        self._message = message
        self.numbers = numbers
        self.cascade = cascade
        self.digest_id = digest.id
        self.digest_of = digest.items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


def whole_message(session: Session, outbox_id: uuid.UUID) -> WholeMessage:
    """A message, and the last known of each of its numbers. Raises UnknownRecord."""
    message = session.get(OutboxMessage, outbox_id)
    if message is None:
        raise UnknownRecord("outbox", outbox_id)
    query = select(DeliveryPart).where(DeliveryPart.outbox_id == outbox_id)
    last = {one.place: one for one in session.scalars(query.order_by(DeliveryPart.attempt_no))}
    written = dict(enumerate((message.to_phone or "").split(",")))
    numbers = [
        {
            "to": written.get(place) or None,
            "status": one.status,
            "provider_message_id": one.provider_message_id,
            "reason": one.reason,
        }
        for place, one in sorted(last.items())
    ]
    company = cascade_of(session, outbox_id), digest_of(session, outbox_id)
    return WholeMessage(message, numbers, *company)


def is_due(now: datetime) -> ColumnElement[bool]:
    """A worker may send it now."""
    message = OutboxMessage
    return and_(
        message.status.in_((MessageStatus.QUEUED, MessageStatus.FAILED)),
        not_(message.is_final),
        message.next_attempt_at <= now,
        message.attempt_count < message.max_attempts,
    )


def counts(oldest: uuid.UUID) -> Select[*tuple[Any, ...]]:
    """Messages from the id `oldest` on, counted by event, channel and status."""
    message = OutboxMessage
    group = (message.event_code, message.channel, message.status)
    segments = func.coalesce(func.sum(message.sms_segments), 0).label("sms_segments")
    return (
        select(*group, func.count().label("count"), segments)
        .where(message.id >= oldest)
        .group_by(*group)
        .order_by(*group)
    )
