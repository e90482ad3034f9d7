"""How channels were: a row for each change."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base


class ChannelVersion(Base):
    """A channel as one transaction left it; written by that transaction."""

    __tablename__ = "channel_versions"

    channel_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    #: 1, 2, 3, … of each channel.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime]
    #: `staff`, `client` or `command`, and their name; empty: not known.
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(255))
    #: The version whose values it has again.
    rolled_back_to: Mapped[int | None]
    #: The columns as JSON; credentials of routes sealed as there.
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
