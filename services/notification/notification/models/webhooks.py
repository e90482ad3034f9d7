"""Where messages for systems are posted to."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.revisions import Revised
from common.db.sealed_types import SealedText, SearchableText
from common.ids import new_id
from sqlalchemy import ForeignKey, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.purposes import PERSON


class Webhook(Revised, Base):
    """The address of one recipient, and what requests to it are signed with."""

    __tablename__ = "webhook"
    __table_args__ = (UniqueConstraint("user_id", "actor_type"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(ForeignKey("lk_actor_type.code"))
    url: Mapped[str] = mapped_column(SealedText(b"webhook url "))
    #: Nobody reads it without the installation's own secret.
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Why it was taken out of use, where the receiver asked for that.
    stopped_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
