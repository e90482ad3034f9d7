"""A person's in-app messages: listed, and marked as read."""

import uuid
from typing import Any

from common.clock import utc_now
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from notification.errors import UnknownRecord
from notification.models import InAppMessage


def matching(user_id: str, actor_type: str | None, unread: bool | None) -> Select[Any]:
    """A person's messages; what is None does not count."""
    query = select(InAppMessage).where(InAppMessage.user_id == user_id)
    if actor_type is not None:
        query = query.where(InAppMessage.actor_type == actor_type)
    if unread is not None:
        query = query.where(InAppMessage.is_read != unread)
    return query


def mark_read(session: Session, message_id: uuid.UUID) -> InAppMessage:
    """Note that the person has seen it; the first time counts. Raises UnknownRecord."""
    message = session.get(InAppMessage, message_id, with_for_update=True)
    if message is None:
        raise UnknownRecord("message")
    if not message.is_read:
        message.is_read, message.read_at = True, utc_now()
    return message
