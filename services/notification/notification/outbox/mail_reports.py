"""What is reported of e-mails; a report that proves no message of ours is foreign."""

import uuid
from collections import Counter
from collections.abc import Iterable

from common.logs import get_logger
from sqlalchemy.orm import Session

from notification.catalogue.preferences import change_preference, read_preference
from notification.mails.reports import Kind, Report
from notification.mails.return_paths import Attempt, ReturnPaths
from notification.models import DeliveryLog, OutboxMessage
from notification.outbox.receiving import Effect, receive_receipts
from notification.transports.receipts import Receipt
from notification.transports.smtp import PROVIDER

log = get_logger(__name__)


def receive_reports(
    session: Session, paths: ReturnPaths, reports: Iterable[Report]
) -> Counter[Effect]:
    """Do what each report asks for; returns how many did what."""
    effects: Counter[Effect] = Counter()
    for report in reports:
        attempt = next(filter(None, map(paths.attempt, report.addresses)), None)
        effect = _receive(session, attempt, report) if attempt else Effect.FOREIGN
        effects[effect] += 1
        log.info("mail_report_taken", kind=report.kind, status=report.status, effect=effect)
    return effects


def _receive(session: Session, attempt: Attempt, report: Report) -> Effect:
    outbox_id, attempt_no = attempt
    row = session.get(OutboxMessage, outbox_id)
    if row is None:
        return Effect.FOREIGN
    if report.kind is Kind.COMPLAINT:
        return _complain(session, row, attempt_no, report)
    if attempt_no != row.earlier_entries + row.attempt_count:
        return Effect.UNCHANGED
    receipt = Receipt(
        provider_message_id=None,
        reference=row.idempotency_key,
        delivered=report.kind is Kind.DELIVERY,
        reason=f"bounced ({report.status or 'no status'})",
        is_about_address=report.is_about_address,
    )
    (effect,) = receive_receipts(session, PROVIDER, [receipt])
    return effect


def _complain(session: Session, row: OutboxMessage, attempt_no: int, report: Report) -> Effect:
    """The person gets no more e-mails, as after a click on the link that unsubscribes."""
    user_id, actor_type = row.recipient_user_id, row.recipient_actor_type
    if not user_id or not read_preference(session, actor_type, user_id).allow_email:
        return Effect.UNCHANGED
    change_preference(session, actor_type, user_id, {"allow_email": False})
    _note(session, row.id, attempt_no, report)
    return Effect.MOVED


def _note(session: Session, outbox_id: uuid.UUID, attempt_no: int, report: Report) -> None:
    """The log of the message says what it led to."""
    entry = session.get(DeliveryLog, (outbox_id, attempt_no))
    if entry is not None:
        entry.response_payload = {**(entry.response_payload or {}), "complaint": report.status}
