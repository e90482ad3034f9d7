"""Digests: when a window ends, what was held becomes one message."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from notification.catalogue.templates import newest_templates
from notification.emit.choose import Draft, Words, choose_template, word
from notification.emit.enqueue import queue, rows_of
from notification.emit.event import Emission, Recipient
from notification.models import (
    AttemptStatus,
    DigestItem,
    DigestWindow,
    Event,
    MessageStatus,
    OutboxMessage,
    Rule,
    Template,
)
from notification.models.digests import IS_HOLDING
from notification.outbox.notes import note

log = get_logger(__name__)

#: Windows ended in one transaction.
BATCH = 20
#: Lines of a list; fewer where they are too long together.
LINES = (50, 10, 3, 0)
LINE_CHARS = 200
_MORE = "\N{HORIZONTAL ELLIPSIS}"


def make_digests(database: Database) -> int:
    """End the windows whose time has come; returns how many messages were queued for that."""
    total = 0
    while True:
        with database.writing() as session:
            now = utc_now()
            windows = _due(session, now)
            total += sum(_end(session, one, now) for one in windows)
        if len(windows) < BATCH:
            return total


def _due(session: Session, now: datetime) -> Sequence[DigestWindow]:
    query = select(DigestWindow).where(IS_HOLDING, DigestWindow.ends_at <= now)
    query = query.order_by(DigestWindow.ends_at).limit(BATCH)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def _end(session: Session, window: DigestWindow, now: datetime) -> bool:
    """Tell what was held, and begin the window anew with that. The window is locked."""
    event = session.scalars(select(Event).where(Event.code == window.event_code)).one()
    held = _held(session, window)
    if len(held) == 1:
        _release(session, held[0], now)
    elif held:
        _tell(session, window, event, held, now)
    window.passed, window.held = min(1, len(held)), 0
    window.ends_at = now + timedelta(seconds=event.digest_window_s or 0)
    return bool(held)


def _held(session: Session, window: DigestWindow) -> Sequence[OutboxMessage]:
    """What an operator has not stopped meanwhile, in the order of the events."""
    return session.scalars(
        select(OutboxMessage)
        .join(DigestItem, DigestItem.outbox_id == OutboxMessage.id)
        .where(
            DigestItem.window_id == window.id,
            DigestItem.digest_id.is_(None),
            OutboxMessage.status == MessageStatus.WAITING,
        )
        .order_by(OutboxMessage.id)
        .with_for_update(of=OutboxMessage)
    ).all()


def _release(session: Session, message: OutboxMessage, now: datetime) -> None:
    """One message needs no digest."""
    message.status = MessageStatus.QUEUED
    message.next_attempt_at = max(now, message.send_at or now)
    session.execute(delete(DigestItem).where(DigestItem.outbox_id == message.id))


def _tell(
    session: Session,
    window: DigestWindow,
    event: Event,
    held: Sequence[OutboxMessage],
    now: datetime,
) -> None:
    newest = held[-1]
    words = digest_words(held, _template(session, newest), event)
    emission = Emission(
        event_code=event.code,
        context={},
        recipients=(),
        idempotency_key=f"digest:{window.id}:{newest.id}",
        max_attempts=newest.max_attempts,
    )
    draft = _draft(newest, words, now)
    (digest_id,) = queue(session, rows_of(emission, event, [draft], now), [draft]).ids
    for one in held:
        one.status, one.is_final = MessageStatus.DIGESTED, True
        note(session, one, AttemptStatus.DIGESTED, f"Message in the digest {digest_id}", now)
    session.execute(
        update(DigestItem)
        .where(DigestItem.outbox_id.in_([one.id for one in held]))
        .values(digest_id=digest_id)
    )
    log.info("digest_queued", outbox_id=str(digest_id), count=len(held))


def _draft(newest: OutboxMessage, words: Words, now: datetime) -> Draft:
    """To where the newest one would have gone, as urgent as that."""
    rule = Rule(id=newest.rule_id, event_code=newest.event_code, priority=newest.priority)
    return Draft(
        rule=rule,
        recipient=Recipient(
            user_id=newest.recipient_user_id, actor_type=newest.recipient_actor_type
        ),
        channel=newest.channel,
        words=words,
        rank=newest.rank,
        not_before=now,
        to=newest.to_phone or newest.to_email,
    )


def _template(session: Session, message: OutboxMessage) -> Template:
    """The words in use now, in the message's language; else those that it was made from."""
    newest = newest_templates(session, message.event_code)
    found = choose_template(newest, message.channel, message.language)
    return found or session.get_one(Template, message.template_id)


def digest_words(held: Sequence[OutboxMessage], template: Template, event: Event) -> Words:
    """What a digest says; as many lines of its list as fit. Pure."""
    newest = held[-1]
    of_template = ("id", "channel", "language", "version", "transliterate")
    shaped = Template(
        **{name: getattr(template, name) for name in of_template},
        subject="{subject} (+{more})" if newest.subject else "",
        body=template.digest_body or "{list}",
    )
    context: dict[str, Any] = {
        "count": len(held),
        "event": event.description or event.code,
        "subject": newest.subject,
        "more": len(held) - 1,
    }
    for most in LINES:
        words = word(shaped, {**context, "list": _list(held, most)})
        if not isinstance(words, str):
            return words
    raise AssertionError(f"a digest of {len(held)} messages cannot be written: {words}")


def _list(held: Sequence[OutboxMessage], most: int) -> str:
    """A line for each message, the newest last; the first ones are left out."""
    lines = [f"- {_line(one)}" for one in held[max(0, len(held) - most) :]] if most else []
    return "\n".join(lines if len(lines) == len(held) else [_MORE, *lines])


def _line(message: OutboxMessage) -> str:
    text = message.subject or next(filter(None, (message.body or "").splitlines()), "")
    return text if len(text) <= LINE_CHARS else f"{text[: LINE_CHARS - 1]}{_MORE}"
