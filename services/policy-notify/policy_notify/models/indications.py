"""What was sent, what was rejected and why: one row per policy, and one per attempt."""

import enum
import uuid
from datetime import UTC, date, datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.sealed_types import SealedDocument, SealedText, SearchableText
from common.ids import new_id
from sqlalchemy import (
    Date,
    Dialect,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from policy_notify.models.base import Base
from policy_notify.models.purposes import MESSAGE, NUMBER, VARIABLES


class NotificationType(enum.StrEnum):
    """The six kinds of message in a policy's life; openIMIS's names."""

    ACTIVATION = "activation_of_policy"  # it was paid and is in force
    STARTING = "starting_of_policy"  # its effective day has come
    BEFORE_EXPIRY = "need_for_renewal"  # it expires in some days
    EXPIRATION = "expiration_of_policy"  # it expires today
    AFTER_EXPIRY = "reminder_after_expiration"  # it expired some days ago
    RENEWAL = "renewal_of_policy"  # it was renewed


class IndicationStatus(enum.IntEnum):
    """What came of one attempt; openIMIS's numbers."""

    UNDEFINED = 0  # not sent yet (the dispatcher moves it on), or its outcome is not known (final)
    SENT = 1  # a provider took it (final)
    NO_PERMISSION = 2  # the family denied notifications (final)
    OBSOLETE = 3  # the event is too old for a notification (final)
    ERROR = 4  # not sent; the next run tries again while the event is still due
    NOT_VALID = 5  # already sent, or not a message that is sent (final)


class Delivery(enum.StrEnum):
    """Where an attempt stands between decision and outcome."""

    READY = "ready"  # decided and on disk; the dispatcher takes it
    STARTED = "started"  # from here on it may have left; the next run ends what a dead one left
    ENDED = "ended"  # its status is what came of it


class StoredStatus(TypeDecorator[IndicationStatus]):
    """The number in the database, the enum in Python."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> int | None:
        """The number."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> IndicationStatus | None:
        """The enum."""
        return None if value is None else IndicationStatus(value)


#: In the place of a time: another system decided the matter without sending anything.
SETTLED = datetime(1970, 1, 1, tzinfo=UTC)


class Indication(Base):
    """When each kind of message about a policy was sent, by us or by openIMIS before us."""

    __tablename__ = "tblIndicationOfPolicyNotifications"

    policy: Mapped[uuid.UUID] = mapped_column("PolicyUUID", Uuid, primary_key=True)
    activation_of_policy: Mapped[datetime | None] = mapped_column("ActivationOfPolicy")
    starting_of_policy: Mapped[datetime | None] = mapped_column("StartingOfPolicy")
    need_for_renewal: Mapped[datetime | None] = mapped_column("NeedForRenewal")
    expiration_of_policy: Mapped[datetime | None] = mapped_column("ExpirationOfPolicy")
    reminder_after_expiration: Mapped[datetime | None] = mapped_column("ReminderAfterExpiration")
    renewal_of_policy: Mapped[datetime | None] = mapped_column("RenewalOfPolicy")


class IndicationDetails(Base):
    """One attempt: a message to be sent, or the reason why there is none."""

    __tablename__ = "tblIndicationOfPolicyNotificationsDetails"
    __table_args__ = (
        # Not more than once for a date of a policy, whoever tries.
        UniqueConstraint(
            "PolicyUUID", "NotificationType", "EventDate", "Attempt", name="uq_details_attempt"
        ),
        Index(
            "ix_details_not_ended",
            "DetailsID",
            sqlite_where=text("\"Delivery\" <> 'ended'"),
            postgresql_where=text("\"Delivery\" <> 'ended'"),
        ),
        Index(
            "ix_details_with_message",
            "CreatedAt",
            sqlite_where=text('"Message" IS NOT NULL'),
            postgresql_where=text('"Message" IS NOT NULL'),
        ),
        Index("ix_details_run", "RunID"),
        Index("ix_details_status", "Status", "DetailsID"),
    )

    id: Mapped[uuid.UUID] = mapped_column("DetailsID", Uuid, primary_key=True, default=new_id)
    policy: Mapped[uuid.UUID] = mapped_column("PolicyUUID", Uuid)
    type: Mapped[NotificationType] = mapped_column(
        "NotificationType", stored_enum(NotificationType)
    )
    #: The policy's date that the message is about: effective or expiry date.
    event_date: Mapped[date] = mapped_column("EventDate", Date)
    attempt: Mapped[int] = mapped_column("Attempt", SmallInteger)
    status: Mapped[IndicationStatus] = mapped_column("Status", StoredStatus)
    #: Why, for people; empty for a message that was sent.
    reason: Mapped[str] = mapped_column("Details", Text, default="")
    delivery: Mapped[Delivery] = mapped_column("Delivery", stored_enum(Delivery))
    run_id: Mapped[uuid.UUID] = mapped_column("RunID", Uuid)
    created_at: Mapped[datetime] = mapped_column("CreatedAt", default=utc_now)
    ended_at: Mapped[datetime | None] = mapped_column("EndedAt")
    family: Mapped[uuid.UUID] = mapped_column("FamilyUUID", Uuid)
    #: The provider that is given it or took it.
    provider: Mapped[str | None] = mapped_column("Provider", String(64))
    recipient: Mapped[str | None] = mapped_column("Recipient", SearchableText(NUMBER))
    language: Mapped[str | None] = mapped_column("Language", String(16))
    message: Mapped[str | None] = mapped_column("Message", SealedText(MESSAGE))
    variables: Mapped[dict[str, Any] | None] = mapped_column("Variables", SealedDocument(VARIABLES))
