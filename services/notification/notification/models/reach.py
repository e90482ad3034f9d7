"""Addresses that failed for good: who cannot be reached there."""

import uuid
from datetime import datetime

from common.db.database import stored_enum
from common.db.sealed_types import SearchableText
from common.ids import new_id
from sqlalchemy import Index, SmallInteger, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.lookups import CODE_CHARS, ChannelCode
from notification.models.purposes import PERSON


class AddressFailure(Base):
    """A person's number or e-mail address, and how often it failed since anything arrived there."""

    __tablename__ = "address_failure"
    __table_args__ = (
        UniqueConstraint("address", "user_id", "actor_type"),
        Index("ix_address_failure_user_id", "user_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(String(CODE_CHARS))
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode))
    #: A number in E.164, or an e-mail address.
    address: Mapped[str] = mapped_column(SearchableText(b"address "))
    failures: Mapped[int] = mapped_column(SmallInteger)
    #: What was said the last time.
    reason: Mapped[str | None] = mapped_column(Text)
    last_at: Mapped[datetime] = mapped_column(index=True)
