"""What people want to hear, how, and when not."""

import uuid
from datetime import datetime, time

from common.clock import utc_now
from common.db.revisions import Revised
from common.db.sealed_types import SearchableText
from common.ids import new_id
from sqlalchemy import ForeignKey, String, Time, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.catalogue import LANGUAGE_CHARS
from notification.models.purposes import PERSON

USER_ID_CHARS = 128
DEFAULT_LANGUAGE = "en"
DEFAULT_TIME_ZONE = "UTC"


class Preference(Revised, Base):
    """A person's preferences; who has no row wants everything, in the default language."""

    __tablename__ = "user_preference"
    __table_args__ = (UniqueConstraint("user_id", "actor_type"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(SearchableText(PERSON))
    actor_type: Mapped[str] = mapped_column(ForeignKey("lk_actor_type.code"))
    allow_sms: Mapped[bool] = mapped_column(default=True)
    allow_email: Mapped[bool] = mapped_column(default=True)
    allow_in_app: Mapped[bool] = mapped_column(default=True)
    preferred_lang: Mapped[str] = mapped_column(String(LANGUAGE_CHARS), default=DEFAULT_LANGUAGE)
    #: From, until (may be past midnight), in `time_zone`; both or none.
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)
    time_zone: Mapped[str] = mapped_column(String(64), default=DEFAULT_TIME_ZONE)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    @property
    def is_default(self) -> bool:
        """The person has not said anything; no row is stored."""
        return self.updated_at is None
