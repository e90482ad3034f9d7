"""What comes in, and what is answered: an event with its recipients, and what became of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from notification.mails.attachments import Attachment
from notification.models import ChannelCode
from notification.models.records import Record

DEFAULT_MAX_ATTEMPTS = 5


class Recipient(Record, frozen=True, kw_only=True):
    """A person, where messages reach them, and their language where the sender knows it."""

    unshown = frozenset({"to_phone", "to_email"})

    user_id: str
    actor_type: str
    to_phone: str | None = None
    to_email: str | None = None
    preferred_lang: str | None = None


@dataclass(frozen=True, kw_only=True)
class Emission:
    """An event that happened, and whom it concerns. `send_at`: not before that moment."""

    event_code: str
    context: Mapping[str, Any]
    recipients: Sequence[Recipient]
    idempotency_key: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    payload: Mapping[str, Any] | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    send_at: datetime | None = None
    #: Go with its e-mails.
    attachments: Sequence[Attachment] = ()
    #: Recipients that cannot be read, each with its reason.
    unreadable: Sequence["Skip"] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """What was not queued, and why."""

    reason: str
    rule_id: uuid.UUID | None = None
    user_id: str | None = None
    actor_type: str | None = None
    channel: ChannelCode | None = None
    outbox_id: uuid.UUID | None = None


class Suppressed(StrEnum):
    """Why an event made no message."""

    NO_ACTIVE_RULE = "no_active_rule"
    NO_RECIPIENTS = "no_recipients"
    NO_MESSAGES_BUILT = "no_messages_built"


@dataclass(frozen=True)
class Emitted:
    """What became of an event; `reason` is there when nothing was queued."""

    event_code: str
    queued_outbox_ids: Sequence[uuid.UUID] = ()
    skipped: Sequence[Skip] = ()
    reason: Suppressed | None = None
    #: People to whom another one's message says the same on the same phone.
    recipients_merged: int = 0

    @property
    def disposition(self) -> str:
        """`queued` or `suppressed`."""
        return "suppressed" if self.reason else "queued"

    @property
    def queued_count(self) -> int:
        """How many messages wait now."""
        return len(self.queued_outbox_ids)
