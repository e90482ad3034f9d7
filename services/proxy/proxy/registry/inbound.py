"""Channels whose calls do not come by a path: messages on a port, and polls on a schedule."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.errors import Invalid
from common.texts import _
from sqlalchemy import null, select
from sqlalchemy.orm import Session

from proxy.models import Channel, Poll
from proxy.registry.listening import invalid_listener, listening_of
from proxy.registry.patterns import compile_pattern
from proxy.registry.schedules import schedule_of

#: What a poll's channel may not have, and why.
_NOT_FOR_POLLS = {
    "allowed_addresses": "A poll comes from no address",
    "requires_request_body": "A poll has no body",
    "request_body_schema": "A poll has no body",
    "request_content_type": "A poll has no body",
}

Values = Mapping[str, Any]


def values_of(channel: Channel, changes: Values) -> dict[str, Any]:
    """What is asked here of a channel as it will be."""
    return {**{name: getattr(channel, name) for name in _READ}, **changes}


def check_inbound(session: Session, channel_id: uuid.UUID, values: Values) -> None:
    """What a channel must be that listens or polls. Raises Invalid."""
    listener, polling = values.get("listener"), values.get("polling")
    if listener is None and polling is None:
        return
    if listener is not None and polling is not None:
        raise _invalid("polling", "A channel listens or polls, not both")
    if compile_pattern(values["path_pattern"]).exact is None:
        reason = _("Where a channel listens or polls, its pattern is the one path of its calls")
        raise _invalid("path_pattern", reason)
    if polling is not None:
        _check_polling(polling, values)
    else:
        _check_listener(session, channel_id, listener, values)


def _check_polling(polling: Values, values: Values) -> None:
    schedule_of(**polling)
    for name, reason in _NOT_FOR_POLLS.items():
        if values.get(name):
            raise _invalid(name, reason)
    if not values.get("is_public") and not values.get("acts_for"):
        raise _invalid("acts_for", "Name the client that polls are for, or make the channel public")


def _check_listener(session: Session, channel_id: uuid.UUID, listener: Any, values: Values) -> None:
    listening = listening_of(listener)
    known = values.get("is_public") or values.get("acts_for") or listening.client_authorities
    if not known:
        reason = _("Name the client that messages are for, or make the channel public")
        raise _invalid("acts_for", reason)
    if values.get("is_active", True):
        _check_port(session, channel_id, listening.port)


def _check_port(session: Session, channel_id: uuid.UUID, port: int) -> None:
    with session.no_autoflush:
        others = session.execute(
            select(Channel.name, Channel.listener).where(
                Channel.is_active, Channel.listener.is_not(null()), Channel.id != channel_id
            )
        )
    taken_by = next((name for name, listener in others if listener["port"] == port), None)
    if taken_by is not None:
        raise invalid_listener(f"Port {port} is that of channel {taken_by}")


def keep_due_time(session: Session, channel: Channel, before: Values, now: datetime) -> None:
    """Let a changed schedule, or one in use again, begin now; nothing is made up for then."""
    row = session.get(Poll, channel.id)
    if channel.polling is None:
        if row is not None:
            session.delete(row)
        return
    stays = before.get("polling") == channel.polling and before.get("is_active")
    if row is not None and stays:
        return
    schedule = schedule_of(**channel.polling)
    row = row or Poll(channel_id=channel.id, attempt_count=0)
    row.next_attempt_at = schedule.after(now)
    row.lease_until = row.lease_token = None
    session.add(row)


def _invalid(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", {field: [reason]})


_READ = (
    *("listener", "polling", "acts_for", "path_pattern", "is_active", "is_public"),
    *_NOT_FOR_POLLS,
)
