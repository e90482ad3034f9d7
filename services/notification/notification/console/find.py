"""`/admin/notification/find/` and `…/timeline/…/`: messages that a term names, or an id."""

import uuid
from collections.abc import Iterator
from itertools import islice

from common.console.finding import MOST_HITS, Happened, Hit, Term, add_find, add_timeline
from common.console.presenting import word
from common.phones import Unreadable, read_phone
from common.texts import _
from flask import url_for
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, load_only

from notification.console.blueprint import pages
from notification.container import container
from notification.models import AttemptStatus, DeliveryLog, MessageStatus, OutboxMessage, SeenEvent

_MOST_HAPPENED = 200
_SHOWN = load_only(
    OutboxMessage.event_code,
    OutboxMessage.channel,
    OutboxMessage.status,
    OutboxMessage.last_error,
    OutboxMessage.correlation_id,
    OutboxMessage.created_at,
    OutboxMessage.delivered_at,
)
_GOOD = {MessageStatus.SENT, MessageStatus.DELIVERED, AttemptStatus.SENT, AttemptStatus.DELIVERED}
_BAD = {AttemptStatus.FAILED_TEMPORARY, AttemptStatus.FAILED_FINAL}


def _find(term: Term) -> list[Hit]:
    with container().database.reading() as session:
        found = {one.id: one for one in islice(_named(session, term), MOST_HITS)}
        return [_hit(one) for one in found.values()]


def _named(session: Session, term: Term) -> Iterator[OutboxMessage]:
    """By each thing that an index knows: its ids, its person, the number."""
    for condition in _conditions(term):
        yield from session.scalars(_messages(condition).limit(MOST_HITS))
    logged = select(DeliveryLog.outbox_id).where(
        DeliveryLog.provider.in_(container().settings.sms_providers),
        DeliveryLog.provider_message_id == term.text,
    )
    for outbox_id in session.scalars(logged.limit(MOST_HITS)).all():
        yield from session.scalars(_messages(OutboxMessage.id == outbox_id))


def _conditions(term: Term) -> Iterator[ColumnElement[bool]]:
    if term.id is not None:
        yield OutboxMessage.id == term.id
        yield OutboxMessage.correlation_id == str(term.id)
    yield OutboxMessage.correlation_id == term.text
    yield OutboxMessage.recipient_user_id == term.text
    yield OutboxMessage.idempotency_key == term.text
    number = read_phone(term.text, container().settings.phone_region)
    if not isinstance(number, Unreadable):
        yield OutboxMessage.to_phone == number


def _messages(condition: ColumnElement[bool]) -> Select[OutboxMessage]:
    query = select(OutboxMessage).where(condition).order_by(OutboxMessage.id.desc())
    return query.options(_SHOWN)


def _hit(one: OutboxMessage) -> Hit:
    more = [(_("Why"), url_for("console.why", outbox_id=one.id))]
    if one.correlation_id:
        more.append((_("Timeline"), f"/admin/timeline/{one.correlation_id}/"))
    status = word(one.status)
    note = f"{status}: {word(one.last_error)}" if one.last_error else status
    return Hit(_("Message"), _what(one), _page(one.id), note, one.created_at, more)


def _what(one: OutboxMessage) -> str:
    return _("%(event)s over %(channel)s", event=one.event_code, channel=one.channel)


def _timeline(correlation_id: str) -> list[Happened]:
    with container().database.reading() as session:
        return list(_happened(session, correlation_id))


def _happened(session: Session, correlation_id: str) -> Iterator[Happened]:
    came = select(SeenEvent).where(SeenEvent.correlation_id == correlation_id)
    for event in session.scalars(came.limit(_MOST_HAPPENED)):
        yield Happened(event.consumed_at, _("The event came to notification"))
    condition = OutboxMessage.correlation_id == correlation_id
    messages = session.scalars(_messages(condition).limit(_MOST_HAPPENED)).all()
    for one in messages:
        what = _("A message was queued: %(what)s", what=_what(one))
        yield Happened(one.created_at, what, _page(one.id))
        if one.delivered_at is not None:
            said = _("It was delivered")
            yield Happened(one.delivered_at, said, _page(one.id), "receipt", "good")
    ids = [one.id for one in messages]
    tried = select(DeliveryLog).where(DeliveryLog.outbox_id.in_(ids))
    for entry in session.scalars(tried.limit(_MOST_HAPPENED)):
        yield from _of_attempt(entry)


def _of_attempt(entry: DeliveryLog) -> Iterator[Happened]:
    page, number = _page(entry.outbox_id), entry.attempt_no
    provider = entry.provider or _("nobody yet")
    began = _("Attempt %(number)s by %(provider)s", number=number, provider=provider)
    yield Happened(entry.created_at, began, page)
    if entry.ended_at is not None:
        said = _("Attempt %(number)s ended", number=number)
        what = f"{said}: {word(entry.error_message)}" if entry.error_message else said
        mark = "good" if entry.status in _GOOD else "bad" if entry.status in _BAD else "warn"
        yield Happened(entry.ended_at, what, page, entry.status, mark)


def _page(outbox_id: uuid.UUID) -> str:
    return url_for("console.message", outbox_id=outbox_id)


add_find(pages, _find)
add_timeline(pages, _timeline)
