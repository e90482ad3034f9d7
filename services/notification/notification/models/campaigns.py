"""Campaigns: one text to a list of people, approved by a second person."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.sealed_types import SealedDocument, SearchableText
from common.ids import new_id
from common.jobs.leases import Leased
from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from notification.emit.event_order import next_id
from notification.models.base import Base
from notification.models.lookups import CODE_CHARS, ChannelCode
from notification.models.purposes import PERSON

NAME_CHARS = 200
#: `staff:amina`, `client:registry`.
WHO_CHARS = 255
DIGEST_BYTES = 16


class CampaignStatus(enum.StrEnum):
    """Where a campaign stands."""

    DRAFT = "DRAFT"  # its list grows; a second person moves it on, or somebody stops it
    RUNNING = "RUNNING"  # a worker queues its messages, and moves it on when all have ended
    PAUSED = "PAUSED"  # nothing of it leaves; somebody resumes or stops it
    STOPPED = "STOPPED"  # nothing more of it leaves (final)
    DONE = "DONE"  # all of its messages have left or ended (final)


class Campaign(Leased, Base):
    """An event's words for a list of people over one channel. A claim lasts for one portion.

    Its id stands as the rule in its messages.
    """

    __tablename__ = "campaign"
    __table_args__ = (Index("ix_campaign_event_code", "event_code", "status"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    event_code: Mapped[str] = mapped_column(String(CODE_CHARS))
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode))
    priority: Mapped[str] = mapped_column(String(CODE_CHARS))
    #: Fills the placeholders, where a person's own values do not.
    context: Mapped[dict[str, Any]] = mapped_column(SealedDocument(b"campaign context "))
    #: Who of the lists is taken: by a column's name the values that count.
    only: Mapped[dict[str, list[str]]] = mapped_column(SealedDocument(b"campaign only "))
    #: Messages a minute.
    rate: Mapped[int]
    status: Mapped[CampaignStatus] = mapped_column(
        stored_enum(CampaignStatus), default=CampaignStatus.DRAFT
    )
    #: Of a pause that nobody asked for.
    reason: Mapped[str | None] = mapped_column(Text)
    #: Everybody who has written it or added people: none of them approves it.
    authors: Mapped[list[str]] = mapped_column(JSON)
    approved_by: Mapped[str | None] = mapped_column(String(WHO_CHARS))
    approved_at: Mapped[datetime | None]
    #: Counts its changes: an approval is of one version.
    version: Mapped[int] = mapped_column(default=1)
    #: What the last dry run found, and of which version and words.
    dry_run: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The words that were approved: a template's id by language.
    templates: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: People of the lists that `only` leaves out.
    filtered_out: Mapped[int] = mapped_column(default=0)
    #: What became of everybody, once the list is forgotten.
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    ended_at: Mapped[datetime | None]


class RecipientStatus(enum.StrEnum):
    """Where a person of a campaign stands."""

    WAITING = "WAITING"  # the worker queues the message, or leaves the person out
    QUEUED = "QUEUED"  # the message is in the outbox, which knows the rest (final)
    LEFT_OUT = "LEFT_OUT"  # no message, for the reason that is said (final)


class CampaignRecipient(Base):
    """A person of a campaign's list."""

    __tablename__ = "campaign_recipient"
    __table_args__ = (
        UniqueConstraint("campaign_id", "user_id", "actor_type"),
        Index("ix_campaign_recipient_status", "campaign_id", "status", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=next_id)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(String(CODE_CHARS))
    #: Addresses, language and the person's own values, until they are in the outbox.
    given: Mapped[dict[str, Any] | None] = mapped_column(SealedDocument(b"campaign recipient "))
    status: Mapped[RecipientStatus] = mapped_column(stored_enum(RecipientStatus))
    #: Why the person is left out; of one who waits: would be, as the last dry run has it.
    reason: Mapped[str | None] = mapped_column(Text)
    outbox_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)


class CampaignReach(Base):
    """A text that a telephone gets from a campaign, as a digest: nobody else sends it there."""

    __tablename__ = "campaign_reach"

    campaign_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES), primary_key=True)
