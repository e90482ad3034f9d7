"""What the scheme's payment system reported, and the message that each report became."""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.sealed_types import SealedDocument, SealedText, SearchableText
from common.ids import new_id
from sqlalchemy import JSON, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base
from policy_notify.models.indications import Delivery, IndicationStatus, StoredStatus
from policy_notify.models.purposes import MESSAGE, NUMBER, VARIABLES


class PaymentEvent(enum.StrEnum):
    """What can happen to a payment."""

    CONTROL_NUMBER_ASSIGNED = "control_number_assigned"  # it can be paid from now on
    CONTROL_NUMBER_FAILED = "control_number_failed"  # the payment gateway gave none
    PAID = "paid"  # money came, for policies that are known
    NOT_MATCHED = "not_matched"  # money came, and belongs to no policy


class PaymentText(enum.StrEnum):
    """The texts about payments; openIMIS's names without `sms_`."""

    ASSIGNED = "control_number_assigned"
    SINGLE_FAILED = "control_number_error_single_payment"
    BULK_FAILED = "control_number_error_bulk_payment"
    ACTIVATED = "paid_and_activated"
    NOT_ACTIVATED = "paid_and_not_activated"
    NOT_MATCHED = "paid_and_not_matched"


class PaymentNotice(Base):
    """One report about a payment, and what became of the message about it."""

    __tablename__ = "payment_notices"
    __table_args__ = (
        Index(
            "ix_payment_notices_open",
            "id",
            sqlite_where=text("delivery <> 'ended' OR status = 4"),
            postgresql_where=text("delivery <> 'ended' OR status = 4"),
        ),
        Index(
            "ix_payment_notices_personal",
            "created_at",
            sqlite_where=text("facts IS NOT NULL"),
            postgresql_where=text("facts IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    #: The sender's own id of this report: with it a repeated one is known.
    uuid: Mapped[UUID] = mapped_column(Uuid, unique=True)
    payment: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    type: Mapped[PaymentEvent] = mapped_column(stored_enum(PaymentEvent))
    occurred_at: Mapped[datetime]
    #: The policies' uuids, as texts, and the family of the first one that is known.
    policies: Mapped[list[str]] = mapped_column(JSON)
    family: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    #: The payer's own number in E.164, if one was given.
    payer_number: Mapped[str | None] = mapped_column(SearchableText(NUMBER))
    #: What the texts name; see `policy_notify.intake.payments`. None: forgotten, with the
    #: message's words and number.
    facts: Mapped[dict[str, Any] | None] = mapped_column(SealedDocument(b"facts "))
    attempt: Mapped[int] = mapped_column(default=1)
    status: Mapped[IndicationStatus] = mapped_column(
        StoredStatus, default=IndicationStatus.UNDEFINED
    )
    #: Why, for people; empty for a message that was sent.
    reason: Mapped[str] = mapped_column(Text, default="")
    delivery: Mapped[Delivery] = mapped_column(stored_enum(Delivery), default=Delivery.READY)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]
    #: The provider that is given it or took it.
    provider: Mapped[str | None] = mapped_column(String(64))
    recipient: Mapped[str | None] = mapped_column(SearchableText(NUMBER))
    language: Mapped[str | None] = mapped_column(String(16))
    message: Mapped[str | None] = mapped_column(SealedText(MESSAGE))
    variables: Mapped[dict[str, Any] | None] = mapped_column(SealedDocument(VARIABLES))
