"""Questions to the outbox."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, select

from notification.models import ChannelCode, MessageStatus, OutboxMessage


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages; what is None does not count."""

    status: MessageStatus | None = None
    channel: ChannelCode | None = None
    due: bool | None = None
    event_code: str | None = None
    user_id: str | None = None


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
    if wanted.due is not None:
        query = query.where(is_due(now) if wanted.due else not_(is_due(now)))
    return query


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
