"""Messages on their way, and every attempt to bring them there."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.sealed_types import SealedDocument, SealedText, SearchableText
from common.jobs.leases import Leased
from sqlalchemy import (
    JSON,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from notification.emit.event_order import next_id
from notification.models.base import Base
from notification.models.catalogue import LANGUAGE_CHARS, MAIL_ADDRESS_CHARS, MAIL_NAME_CHARS
from notification.models.lookups import CODE_CHARS, ChannelCode, MessageStatus
from notification.models.purposes import PERSON

ENTITY_CHARS = 128
IDEMPOTENCY_KEY_CHARS = 512
PROVIDER_CHARS = 64
PROVIDER_ID_CHARS = 255

#: What a worker may claim once its time has come; literal, so that partial indexes serve it.
IS_WAITING = text("status IN ('QUEUED', 'FAILED') AND NOT is_final")
_IS_LEASED = text("lease_token IS NOT NULL")
_HAS_PHONE = text("to_phone IS NOT NULL")
_HAS_REQUEST = text("correlation_id IS NOT NULL")
_HAS_FILES = text("attachment_set IS NOT NULL")


class OutboxMessage(Leased, Base):
    """One message to one person over one channel.

    `attempt_count` counts attempts begun since it was queued (anew); a claim counts as one until
    it is given back. An UNKNOWN message has in `next_attempt_at` when it is asked about again.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        # What workers look for: by channel, the most urgent first, then the longest due.
        Index(
            "ix_outbox_due",
            "channel",
            "rank",
            "next_attempt_at",
            postgresql_where=IS_WAITING,
            sqlite_where=IS_WAITING,
        ),
        # What a worker has in hand. A status would lead past all that had it lately.
        Index(
            "ix_outbox_lease_token",
            "lease_token",
            postgresql_where=_IS_LEASED,
            sqlite_where=_IS_LEASED,
        ),
        Index("ix_outbox_status", "status", "id"),
        Index(
            "ix_outbox_attachment_set",
            "attachment_set",
            postgresql_where=_HAS_FILES,
            sqlite_where=_HAS_FILES,
        ),
        Index("ix_outbox_recipient", "recipient_user_id", "id"),
        Index(
            "ix_outbox_to_phone",
            "to_phone",
            "id",
            postgresql_where=_HAS_PHONE,
            sqlite_where=_HAS_PHONE,
        ),
        Index(
            "ix_outbox_correlation_id",
            "correlation_id",
            "id",
            postgresql_where=_HAS_REQUEST,
            sqlite_where=_HAS_REQUEST,
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=next_id)
    event_code: Mapped[str] = mapped_column(String(CODE_CHARS))
    rule_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode))
    priority: Mapped[str] = mapped_column(String(CODE_CHARS))
    #: The lowest is sent first: the negative of the priority's weight when it was queued.
    rank: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[MessageStatus] = mapped_column(stored_enum(MessageStatus))
    #: Nothing will be tried again by itself.
    is_final: Mapped[bool] = mapped_column(default=False)
    recipient_user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    recipient_actor_type: Mapped[str] = mapped_column(String(CODE_CHARS))
    language: Mapped[str] = mapped_column(String(LANGUAGE_CHARS))
    #: The version of the words that the message was made from.
    template_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    template_version: Mapped[int]
    #: Subject, body and addresses are forgotten after the retention time.
    subject: Mapped[str] = mapped_column(SealedText(b"subject "), default="")
    body: Mapped[str | None] = mapped_column(SealedText(b"body "))
    #: Of an e-mail: the same words as HTML, without the page around them.
    html: Mapped[str | None] = mapped_column(SealedText(b"html "))
    #: Of an e-mail: the set of its files.
    attachment_set: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: Numbers in E.164, comma-separated, as far as they could be read.
    to_phone: Mapped[str | None] = mapped_column(SearchableText(b"numbers "))
    to_email: Mapped[str | None] = mapped_column(SealedText(b"e-mail address "))
    #: Of an e-mail: its event's, when it was queued.
    sender_name: Mapped[str | None] = mapped_column(String(MAIL_NAME_CHARS))
    reply_to: Mapped[str | None] = mapped_column(String(MAIL_ADDRESS_CHARS))
    entity_type: Mapped[str | None] = mapped_column(String(ENTITY_CHARS))
    entity_id: Mapped[str | None] = mapped_column(SealedText(b"entity id "))
    payload: Mapped[dict[str, Any] | None] = mapped_column(SealedDocument(b"payload "))
    #: The emission's: not before that moment, even when it is queued anew.
    send_at: Mapped[datetime | None]
    max_attempts: Mapped[int] = mapped_column(SmallInteger, default=5)
    #: Not indexed by itself: `ix_outbox_due` holds it.
    next_attempt_at: Mapped[datetime] = mapped_column()
    #: Entries in its delivery log that are not attempts of this round: `attempt_no` goes on.
    earlier_entries: Mapped[int] = mapped_column(SmallInteger, default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    #: Also our reference at the provider.
    idempotency_key: Mapped[str] = mapped_column(SearchableText(b"idempotency key "), unique=True)
    #: Of an SMS: `GSM-7` or `UCS-2`, and how many parts it travels in.
    sms_encoding: Mapped[str | None] = mapped_column(String(8))
    sms_segments: Mapped[int | None] = mapped_column(SmallInteger)
    #: The provider that has or took it; what it calls the message stands in the log.
    provider: Mapped[str | None] = mapped_column(String(PROVIDER_CHARS))
    #: Of the request or the event that it came of; None: of neither, or made before there was one.
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    #: Of the span that queued it, where there was one (W3C Trace Context).
    traceparent: Mapped[str | None] = mapped_column(String(55))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: None: not since the column is there.
    updated_at: Mapped[datetime | None] = mapped_column(default=utc_now, onupdate=utc_now)
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class AttemptStatus(enum.StrEnum):
    """What an entry of the delivery log says: what is known of an attempt, or what was decided."""

    STARTED = "started"  # on disk before anything leaves; the worker or the sweeper ends it
    SENT = "sent"  # the provider took it; a receipt may move it on
    DELIVERED = "delivered"
    PARTLY_DELIVERED = "partly_delivered"  # at some of the numbers; `delivery_part` says which
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_FINAL = "failed_final"
    POSTPONED = "postponed"  # no attempt: the way took nothing, for no fault of the message's
    UNKNOWN = "unknown"  # it may have left; an answer of the provider may move it on
    RESENT = "resent"  # no attempt: UNKNOWN, and its event wants it sent again
    REQUEUED = "requeued"  # no attempt: an operator wants it sent again
    CANCELLED = "cancelled"  # no attempt: an operator stopped it
    CASCADED = "cascaded"  # no attempt: the channel before it did not reach the person in time
    DIGESTED = "digested"  # no attempt: it went into a digest


class DeliveryLog(Base):
    """One attempt to bring a message to its person, or one decision about it."""

    __tablename__ = "delivery_log"
    __table_args__ = (
        Index("ix_delivery_log_provider_message_id", "provider", "provider_message_id"),
        Index(
            "ix_delivery_log_started",
            "outbox_id",
            postgresql_where=text("status = 'started'"),
            sqlite_where=text("status = 'started'"),
        ),
    )

    outbox_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True
    )
    attempt_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    status: Mapped[AttemptStatus] = mapped_column(stored_enum(AttemptStatus))
    provider: Mapped[str | None] = mapped_column(String(PROVIDER_CHARS))
    provider_message_id: Mapped[str | None] = mapped_column(String(PROVIDER_ID_CHARS))
    #: What the provider said, without the words or the number; and our own marks.
    response_payload: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]


class DeliveryPart(Base):
    """One number of an attempt to reach several; messages to one number have none."""

    __tablename__ = "delivery_part"
    __table_args__ = (
        Index("ix_delivery_part_provider_message_id", "provider", "provider_message_id"),
        ForeignKeyConstraint(
            ["outbox_id", "attempt_no"],
            ["delivery_log.outbox_id", "delivery_log.attempt_no"],
            ondelete="CASCADE",
        ),
    )

    outbox_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    attempt_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    #: The number's place in `to_phone`, from 0.
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    status: Mapped[AttemptStatus] = mapped_column(stored_enum(AttemptStatus))
    provider: Mapped[str | None] = mapped_column(String(PROVIDER_CHARS))
    provider_message_id: Mapped[str | None] = mapped_column(String(PROVIDER_ID_CHARS))
    #: The provider's word, without numbers.
    reason: Mapped[str | None] = mapped_column(Text)


class ReceiptWord(Base):
    """A word of a provider's receipts that is in none of our lists, and how often it came."""

    __tablename__ = "receipt_word"

    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARS), primary_key=True)
    word: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]
