"""Where another hub answered a copy of a call otherwise than we did."""

import enum
import uuid
from datetime import datetime

from common.db.database import stored_enum
from sqlalchemy import JSON, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base


class Difference(enum.StrEnum):
    """What differs first, in this order."""

    UNANSWERED = "unanswered"  # the other hub gave no answer
    STATUS = "status"
    CONTENT_TYPE = "content_type"
    BODY = "body"


class ShadowDifference(Base):
    """One call whose copy was answered otherwise: what differs and where, never the values."""

    __tablename__ = "shadow_differences"

    #: Of the call, which sorts by its time.
    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    compared_at: Mapped[datetime]
    channel_name: Mapped[str] = mapped_column(String(255))
    client_name: Mapped[str] = mapped_column(String(255))
    request_method: Mapped[str] = mapped_column(String(32))
    request_url: Mapped[str] = mapped_column(Text)
    difference: Mapped[Difference] = mapped_column(stored_enum(Difference))
    status_code: Mapped[int]
    shadow_status_code: Mapped[int | None]
    content_type: Mapped[str] = mapped_column(String(255))
    shadow_content_type: Mapped[str | None] = mapped_column(String(255))
    #: JSON pointers of members that differ.
    members: Mapped[list[str]] = mapped_column(JSON)
    #: Why there is no answer, or how the bodies differ where they are no JSON.
    note: Mapped[str] = mapped_column(Text)
    #: `request_url` and `members`, sealed together; null where they are in clear.
    sealed: Mapped[str | None] = mapped_column(Text)
