"""What is told at once where it would be too much one by one."""

import uuid
from datetime import datetime

from common.db.database import stored_enum
from common.db.sealed_types import SearchableText
from common.ids import new_id
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.lookups import CODE_CHARS, ChannelCode
from notification.models.purposes import PERSON

#: Its end brings a digest; literal, so that the partial index serves it.
IS_HOLDING = text("held > 0")


class DigestWindow(Base):
    """How many messages of an event a person got over a channel since the window began."""

    __tablename__ = "digest_window"
    __table_args__ = (
        UniqueConstraint("event_code", "channel", "user_id", "actor_type"),
        Index(
            "ix_digest_window_due",
            "ends_at",
            postgresql_where=IS_HOLDING,
            sqlite_where=IS_HOLDING,
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    event_code: Mapped[str] = mapped_column(String(CODE_CHARS))
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode))
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(String(CODE_CHARS))
    ends_at: Mapped[datetime] = mapped_column()
    #: Messages that were let through, and that wait for the digest.
    passed: Mapped[int]
    held: Mapped[int]


class DigestItem(Base):
    """A message that waits for its digest, or went into it."""

    __tablename__ = "digest_item"

    outbox_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True
    )
    window_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    #: The message that tells it; None: it waits.
    digest_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
