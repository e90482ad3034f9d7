"""`/admin/notification/outbox/`: messages on their way, and an operator's acts on one."""

import uuid
from collections.abc import Callable
from datetime import datetime

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import read_filters
from common.console.guard import framed
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Conflict
from common.texts import _
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from notification.console.blueprint import pages
from notification.console.forms import OutboxFilter
from notification.console.reading import choices, event_codes, rows_of
from notification.container import container
from notification.emit.explain import history_of
from notification.errors import UnknownRecord
from notification.models import Channel, OutboxMessage, Status
from notification.outbox import acts
from notification.outbox.attachments import file_names
from notification.outbox.backlog import MOST_COUNTED, backlog
from notification.outbox.cascades import cascade_of
from notification.outbox.digests import digest_of
from notification.outbox.messages import MessageFilter, matching

CSV = (
    Column("Id", lambda message: message.id),
    Column("Made", lambda message: message.created_at),
    Column("Status", lambda message: message.status),
    Column("Final", lambda message: message.is_final),
    Column("Event", lambda message: message.event_code),
    Column("Channel", lambda message: message.channel),
    Column("Priority", lambda message: message.priority),
    Column("User", lambda message: message.recipient_user_id),
    Column("Actor type", lambda message: message.recipient_actor_type),
    Column("Language", lambda message: message.language),
    Column("Segments", lambda message: message.sms_segments),
    Column("Attempts", lambda message: message.attempt_count),
    Column("Next attempt", lambda message: message.next_attempt_at),
    Column("Provider", lambda message: message.provider),
    Column("Error", lambda message: message.last_error),
    Column("Sent", lambda message: message.sent_at),
    Column("Delivered", lambda message: message.delivered_at),
)


@pages.page("/outbox/")
def outbox() -> ResponseReturnValue:
    """The messages that meet the filters, newest first; above them how many stand where."""
    filters, now = read_filters(OutboxFilter(exclude=["limit", "cursor"])), utc_now()
    with container().database.reading() as session:
        stands = backlog(session, now)
    return listing(
        "pages/outbox.html",
        rows_of(lambda: matching(MessageFilter(**filters.values), now), OutboxMessage.id),
        filters,
        csv_name="outbox",
        columns=CSV,
        backlog=stands,
        most_counted=MOST_COUNTED,
        now=now,
        statuses=choices(Status),
        channels=choices(Channel),
        events=event_codes(),
    )


@pages.page("/outbox/<uuid:outbox_id>/")
def message(outbox_id: uuid.UUID) -> ResponseReturnValue:
    """A message and everything that happened to it."""
    with container().database.reading() as session:
        found = history_of(session, outbox_id)
        files = file_names(session, found.message.attachment_set)
        cascade = cascade_of(session, outbox_id)
        digest = digest_of(session, outbox_id)
    return render_template(
        "pages/message.html",
        message=found.message,
        attempts=found.attempts,
        files=files,
        cascade=cascade,
        digest=digest,
        may_be_requeued=acts.may_be_requeued(found.message),
        may_be_cancelled=acts.may_be_cancelled(found.message),
    )


@pages.page("/outbox/<uuid:outbox_id>/e-mail/")
def message_e_mail(outbox_id: uuid.UUID) -> ResponseReturnValue:
    """A message's page as mail programs show it, in the frame of today."""
    with container().database.reading() as session:
        message = history_of(session, outbox_id).message
    if message.html is None:
        raise UnknownRecord("e-mail", outbox_id)
    frame, name = container().settings.mail_frame, message.sender_name or ""
    return framed(frame.page(message.html, message.subject, message.language, name))


@pages.act("/outbox/<uuid:outbox_id>/requeue/", StaffRole.OPERATOR)
def requeue(outbox_id: uuid.UUID) -> ResponseReturnValue:
    """Queue a message anew, with fresh attempts."""
    answer = _done(outbox_id, acts.requeue, _("The message is queued anew."))
    container().wake_up.send()
    return answer


@pages.act("/outbox/<uuid:outbox_id>/cancel/", StaffRole.OPERATOR)
def cancel(outbox_id: uuid.UUID) -> ResponseReturnValue:
    """Stop a message before it leaves."""
    return _done(outbox_id, acts.cancel, _("The message is cancelled."))


Act = Callable[[Session, uuid.UUID, str, datetime], OutboxMessage]


def _done(outbox_id: uuid.UUID, act: Act, praise: str) -> ResponseReturnValue:
    """Back to the message, with what the act did, or why it could not be done."""
    try:
        with container().database.writing() as session:
            act(session, outbox_id, g.staff.name, utc_now())
    except Conflict as exc:
        flash(f"{exc}.", "bad")
    else:
        flash(praise)
    return redirect(url_for("console.message", outbox_id=outbox_id), 303)
