"""A person's in-app messages: listed, and marked as read."""

import uuid
from dataclasses import dataclass
from typing import Any

from common.clock import utc_now
from common.errors import Invalid
from common.texts import _
from common.web.paging import Page, fetch_page
from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import Session

from notification.errors import UnknownRecord
from notification.models import InAppMessage, Preference


@dataclass(frozen=True)
class InboxPage(Page[InAppMessage]):
    """A page of a person's inbox; `unread_count` is of all of it."""

    unread_count: int = 0


def inbox_page(
    session: Session,
    user_id: str,
    actor_type: str | None,
    *,
    unread: bool | None,
    limit: int,
    cursor: str | None,
) -> InboxPage:
    """A person's messages, newest first. Raises Invalid: several persons have this user id."""
    if actor_type is None:
        _check_one_person(session, user_id)
    query = matching(user_id, actor_type, unread)
    page = fetch_page(session, query, InAppMessage.id, limit=limit, cursor=cursor)
    unread_ones = matching(user_id, actor_type, True).subquery()
    count = session.scalar(select(func.count()).select_from(unread_ones)) or 0
    return InboxPage(page.data, page.next_cursor, unread_count=count)


def _check_one_person(session: Session, user_id: str) -> None:
    """A person is an actor type and a user id: the id alone may be several people's."""
    known = union(
        select(InAppMessage.actor_type).where(InAppMessage.user_id == user_id),
        select(Preference.actor_type).where(Preference.user_id == user_id),
    )
    found = sorted(session.scalars(known))
    if len(found) > 1:
        reason = _(
            "Several people have this user id: say which, one of %(types)s.", types=", ".join(found)
        )
        raise Invalid(f"actor_type: {reason}", {"actor_type": [reason]})


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
        raise UnknownRecord("message", message_id)
    if not message.is_read:
        message.is_read, message.read_at = True, utc_now()
    return message
