"""Transports that take nothing for a while."""

from datetime import datetime

from common.db.database import stored_enum
from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.lookups import ChannelCode
from notification.models.outbox import PROVIDER_CHARS


class TransportState(Base):
    """How a provider stands, for all processes; one that never was in trouble has no row."""

    __tablename__ = "way"

    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode), primary_key=True)
    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARS), primary_key=True)
    #: Nothing leaves before; None: open.
    closed_until: Mapped[datetime | None]
    #: What the provider, or the server, said last.
    reason: Mapped[str | None] = mapped_column(Text)
    #: Of the first closing in a row.
    closed_since: Mapped[datetime | None]
    #: Closings in a row: none was followed by messages that were taken.
    closings: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
