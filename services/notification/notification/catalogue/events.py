"""The catalogue of events: what can happen, and what has to be known of it."""

from collections.abc import Mapping
from typing import Any

from common.errors import Invalid
from common.web.json_schemas import check_schema, compile_schema, first_break
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue.lookups import check_code
from notification.errors import UnknownEvent, UnknownRecord
from notification.models import Event, Module
from notification.outbox.costs import release_held

#: Of what a context holds, a reason repeats no more than this.
MAX_REASON_CHARS = 300
_TOGETHER = "digest_after and digest_window_s are given both, or none."


def active_event(session: Session, code: str) -> Event:
    """The event that may be emitted. Raises UnknownEvent."""
    event = session.scalar(select(Event).where(Event.code == code, Event.is_active))
    if event is None:
        raise UnknownEvent
    return event


def check_context(event: Event, context: Mapping[str, Any]) -> None:
    """Raises Invalid for a context that breaks the event's JSON Schema."""
    if event.context_schema is None:
        return
    broken = first_break(compile_schema(event.context_schema), context)
    if broken is not None:
        reason = f"{broken.pointer or '/'}: {broken.reason}"[:MAX_REASON_CHARS]
        raise Invalid(f"context{reason}", {"context": [reason]})


def existing_event(session: Session, code: str) -> Event:
    """The event of this code, active or not. Raises UnknownRecord."""
    event = session.scalar(select(Event).where(Event.code == code))
    if event is None:
        raise UnknownRecord("event", code)
    return event


def create_event(session: Session, given: Mapping[str, Any]) -> Event:
    """A new event. Raises Invalid, UnknownCode; a taken code breaks its constraint."""
    _check(session, given)
    event = Event(**given)
    _check_digest(event)
    session.add(event)
    session.flush()
    return event


def change_event(session: Session, code: str, changes: Mapping[str, Any]) -> Event:
    """Change what is given. Raises UnknownRecord, UnknownCode, Invalid."""
    event = existing_event(session, code)
    _check(session, changes)
    for name, value in changes.items():
        setattr(event, name, value)
    _check_digest(event)
    session.flush()
    if "sms_budget" in changes:
        release_held(session, code)
    return event


def _check_digest(event: Event) -> None:
    if (event.digest_after is None) != (event.digest_window_s is None):
        raise Invalid(_TOGETHER, {"digest_window_s": [_TOGETHER]})


def _check(session: Session, values: Mapping[str, Any]) -> None:
    if values.get("context_schema") is not None:
        check_schema("context_schema", values["context_schema"])
    if "module" in values:
        check_code(session, Module, "module", values["module"])
