"""Files that go with e-mails: one set for all messages of an event."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.sealed_types import SealedBytes, SealedText
from sqlalchemy import SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base


class StoredAttachment(Base):
    """A file of a set; it is forgotten with the last message that has it."""

    __tablename__ = "attachment"

    set_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    #: From 0.
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str] = mapped_column(SealedText(b"attachment name "))
    media_type: Mapped[str] = mapped_column(String(129))
    content: Mapped[bytes] = mapped_column(SealedBytes(b"attachment "))
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
