"""In-app messages: what a person sees when they open the institution's application."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.sealed_types import SealedText, SearchableText
from common.ids import new_id
from sqlalchemy import Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.lookups import CODE_CHARS
from notification.models.outbox import ENTITY_CHARS
from notification.models.purposes import PERSON


class InAppMessage(Base):
    """A message in a person's inbox."""

    __tablename__ = "in_app_message"
    __table_args__ = (Index("ix_in_app_message_user", "user_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    #: The outbox message it came from: it is put here once.
    outbox_id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(String(CODE_CHARS))
    title: Mapped[str] = mapped_column(SealedText(b"inbox title "), default="")
    body: Mapped[str] = mapped_column(SealedText(b"inbox body "))
    event_code: Mapped[str] = mapped_column(String(CODE_CHARS))
    entity_type: Mapped[str | None] = mapped_column(String(ENTITY_CHARS))
    entity_id: Mapped[str | None] = mapped_column(SealedText(b"entity id "))
    is_read: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
