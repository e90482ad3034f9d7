"""The mediator's outbox, delivery log and inbox, under ids that sort by their time.

Of the outbox comes over what has not ended. A message that the mediator was just sending may have
left: it is held as UNKNOWN until an operator decides. What came over and ended at the mediator
afterwards, because that was still sending, is cancelled here where it has not left yet.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.gsm7 import measure
from common.ids import named_id_at
from common.importing.bring import Rows, Target, table_of
from common.importing.report import LeftOut, Report
from common.importing.source import Row, Source
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue.lookups import ranks
from notification.django_mediator import tables
from notification.django_mediator.codes import Codes, meant
from notification.emit.addressing import address_of
from notification.emit.event import Recipient
from notification.errors import MessageStatusForbids
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    FormerRecord,
    InAppMessage,
    MessageStatus,
    OutboxMessage,
    Rule,
    Template,
)
from notification.models.lookups import CODE_CHARS
from notification.models.outbox import ENTITY_CHARS, PROVIDER_CHARS, PROVIDER_ID_CHARS
from notification.models.preferences import DEFAULT_LANGUAGE
from notification.outbox import acts

KIND = "message"
INTERRUPTED = "The mediator was sending it when it was imported: it may have left"
ENDED_THERE = "import: it ended at the mediator meanwhile"
_NOTHING = uuid.UUID(int=0)
_WAITING = (MessageStatus.QUEUED, MessageStatus.FAILED)
_ENDED = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.CANCELLED)
_MOST_ATTEMPTS = 1_000
#: The mediator's default of whom a rule is for: of messages of which nothing else tells.
_USUAL_ACTOR_TYPE = "TEACHER"
#: What of a provider's answer is kept; the rest may hold numbers and words.
_KEPT_OF_ANSWERS = ("phase", "escalation_required", "info", "status_code")


class References:
    """What messages refer to: the mediator's codes, and our rules, templates and ranks."""

    def __init__(self, session: Session, codes: Codes, region: str) -> None:
        self.codes, self.region = codes, region
        self.ranks = ranks(session)
        rules = session.execute(select(Rule.event_code, Rule.id, Rule.recipient_policy))
        found = list(rules)
        self.rules = {event: rule_id for event, rule_id, _policy in reversed(found)}
        self.policies = {event: policy for event, _id, policy in reversed(found)}
        columns = (Template.event_code, Template.channel, Template.id, Template.version)
        words = session.execute(
            select(*columns).where(Template.language == DEFAULT_LANGUAGE).order_by(Template.version)
        )
        self.templates = {(event, channel): (id_, no) for event, channel, id_, no in words}
        #: The mediator's messages that came over, by their ids there.
        self.ids: dict[int, uuid.UUID] = {}


def outbox(references: References) -> Rows:
    """How messages that have not ended come over."""

    def convert(row: Row) -> dict[str, Any]:
        ours = as_message(row, references)
        references.ids[row["id"]] = ours["id"]
        return ours

    return Rows(KIND, tables.OUTBOX, table_of(OutboxMessage), convert)


def as_message(row: Row, references: References) -> dict[str, Any]:
    """A row of our outbox. Raises LeftOut for a message that has ended."""
    codes = references.codes
    status = _status(row, meant(codes.statuses, row["status_id"], "status"))
    channel = codes.channel(row["channel_id"])
    priority = meant(codes.priorities, row["priority_id"], "priority")
    template_id, version = references.templates.get((row["event_code"], channel), (_NOTHING, 0))
    if len(row["event_code"]) > CODE_CHARS:
        raise LeftOut("its event did not come over: its code is too long")
    is_held = status is MessageStatus.UNKNOWN
    made: datetime = row["created_at"] or utc_now()
    return {
        "id": _message_id(row["id"], made),
        "event_code": row["event_code"],
        "rule_id": references.rules.get(row["event_code"], _NOTHING),
        "channel": channel,
        "priority": priority,
        "rank": references.ranks.get(priority, 0),
        "status": status,
        "is_final": is_held,
        "language": DEFAULT_LANGUAGE,
        "template_id": template_id,
        "template_version": version,
        "entity_type": _short(row["entity_type"], ENTITY_CHARS),
        "entity_id": _short(row["entity_id"], ENTITY_CHARS),
        "payload": row["payload"] if isinstance(row["payload"], dict) else None,
        "attempt_count": min(row["attempt_count"] or 0, _MOST_ATTEMPTS),
        "earlier_entries": 0,
        "max_attempts": max(1, min(row["max_attempts"] or 5, _MOST_ATTEMPTS)),
        "next_attempt_at": row["next_attempt_at"] or made,
        "last_error": INTERRUPTED if is_held else (row["last_error"] or None),
        "idempotency_key": row["idempotency_key"] or f"django-mediator:{row['id']}",
        "created_at": made,
        "updated_at": made,
        **_addressed(row, channel, references),
    }


def _addressed(row: Row, channel: ChannelCode, references: References) -> dict[str, Any]:
    actor_types = references.codes.actor_types
    person = Recipient(
        user_id=str(row["recipient_user_id"]),
        actor_type=meant(actor_types, row["recipient_actor_type_id"], "actor type"),
        to_phone=_numbers(row["to_phone"] or ""),
        to_email=row["to_email"] or None,
    )
    to = address_of(person, channel, references.region).to
    sms = measure(row["body"] or "") if channel is ChannelCode.SMS else None
    return {
        "recipient_user_id": person.user_id,
        "recipient_actor_type": person.actor_type,
        "subject": " ".join((row["subject"] or "").split()),
        "body": row["body"] or "",
        "to_phone": to if channel is ChannelCode.SMS else None,
        "to_email": to if channel is ChannelCode.EMAIL else None,
        "sms_encoding": sms.encoding if sms else None,
        "sms_segments": sms.segments if sms else None,
    }


def _status(row: Row, code: str) -> MessageStatus:
    """Where a message stands. Raises LeftOut when it has ended."""
    if has_ended(row, code):
        raise LeftOut(f"has ended ({code})")
    return MessageStatus(code) if code in _WAITING else MessageStatus.UNKNOWN


def has_ended(row: Row, code: str) -> bool:
    """Whether the mediator will not send it any more: it was sent, stopped, or tried enough."""
    if code in _WAITING:
        return (row["attempt_count"] or 0) >= (row["max_attempts"] or 5)
    return code in _ENDED


def _message_id(former_id: int, made: datetime) -> uuid.UUID:
    return named_id_at(made, f"{KIND}:{former_id}")


def _numbers(text: str) -> str:
    """The mediator kept several numbers as a JSON list, or with commas."""
    if text.lstrip().startswith("["):
        try:
            return ",".join(str(one) for one in json.loads(text))
        except ValueError:
            return text
    return text


def _short(text: str | None, chars: int) -> str | None:
    return text[:chars] if text else None


def withdraw_ended(source: Source, target: Target, references: References, report: Report) -> None:
    """Cancel what waits here and has ended at the mediator since it came over.

    Afterwards `standing.ids` has every message that came over.
    """
    with target.reading() as session:
        query = select(FormerRecord.former_id, FormerRecord.record_id, OutboxMessage.status).join(
            OutboxMessage, OutboxMessage.id == FormerRecord.record_id
        )
        found = session.execute(query.where(FormerRecord.kind == KIND)).all()
    references.ids |= {int(former_id): record_id for former_id, record_id, _status in found}
    waiting = [int(former_id) for former_id, _id, status in found if status in _WAITING]
    columns = ("id", "status_id", "attempt_count", "max_attempts")
    for start in range(0, len(waiting), 1_000):
        some = waiting[start : start + 1_000]
        for row in source.by_id(tables.OUTBOX, some, columns):
            if has_ended(row, references.codes.statuses.get(row["status_id"], "")):
                _withdraw(row, references.ids[row["id"]], target, report)


def _withdraw(row: Row, record_id: uuid.UUID, target: Target, report: Report) -> None:
    report.note(KIND, row["id"], "ended at the mediator meanwhile: cancelled here")
    if target.is_dry_run:
        return
    with target.writing() as session:
        try:
            acts.cancel(session, record_id, ENDED_THERE, utc_now())
        except MessageStatusForbids:  # it has just left: a worker was quicker
            report.note(KIND, row["id"], "has been sent from here as well")


_ATTEMPTS = {
    "SENT": AttemptStatus.SENT,
    "DELIVERED": AttemptStatus.DELIVERED,
    "FAILED": AttemptStatus.FAILED_TEMPORARY,
    "CANCELLED": AttemptStatus.CANCELLED,
}


def delivery_logs(references: References) -> Rows:
    """How attempts come over, of messages that did."""

    def convert(row: Row) -> dict[str, Any]:
        outbox_id = references.ids.get(row["outbox_id"])
        if outbox_id is None:
            raise LeftOut("its message did not come over")
        code = meant(references.codes.statuses, row["status_id"], "status")
        answer = row["response_payload"] if isinstance(row["response_payload"], dict) else {}
        kept = {name: answer[name] for name in _KEPT_OF_ANSWERS if name in answer}
        made = row["created_at"] or utc_now()
        return {
            "outbox_id": outbox_id,
            "attempt_no": min(row["attempt_no"], _MOST_ATTEMPTS),
            "status": _ATTEMPTS.get(code, AttemptStatus.UNKNOWN),
            "provider": _short(row["provider"], PROVIDER_CHARS),
            "provider_message_id": _short(row["provider_message_id"], PROVIDER_ID_CHARS),
            "response_payload": kept or None,
            "error_message": row["error_message"] or None,
            "created_at": made,
            "ended_at": made,
        }

    into = table_of(DeliveryLog)
    return Rows("delivery log", tables.DELIVERY_LOGS, into, convert, into_id="outbox_id")


def inbox(source: Source, references: References) -> Rows:
    """How in-app messages come over.

    The mediator did not note what their readers are to the institution: it is what messages to them
    say, else what the event's rule says, else the mediator's own default.
    """
    people: dict[int, str] = {}

    def look_at(rows: Sequence[Row]) -> None:
        people.clear()
        columns = ("id", "recipient_user_id", "recipient_actor_type_id")
        users = sorted({row["user_id"] for row in rows})
        for row in source.by_value(tables.OUTBOX, "recipient_user_id", users, columns):
            code = references.codes.actor_types.get(row["recipient_actor_type_id"])
            if code:
                people[row["recipient_user_id"]] = code

    def actor_type(row: Row) -> str:
        policy = references.policies.get(row["event_code"], "")
        known = set(references.codes.actor_types.values())
        return people.get(row["user_id"]) or (policy if policy in known else _USUAL_ACTOR_TYPE)

    def convert(row: Row) -> dict[str, Any]:
        made = row["created_at"] or utc_now()
        return {
            "id": named_id_at(made, f"inbox:{row['id']}"),
            "outbox_id": named_id_at(made, f"message of inbox:{row['id']}"),
            "user_id": str(row["user_id"]),
            "actor_type": actor_type(row),
            "title": row["title"] or "",
            "body": row["body"] or "",
            "event_code": (row["event_code"] or "")[:CODE_CHARS],
            "entity_type": _short(row["entity_type"], ENTITY_CHARS),
            "entity_id": _short(row["entity_id"], ENTITY_CHARS),
            "is_read": bool(row["is_read"]),
            "read_at": None,
            "created_at": made,
        }

    return Rows("inbox", tables.INBOX, table_of(InAppMessage), convert, before=look_at)
