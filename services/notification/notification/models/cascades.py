"""Channels that are tried one after the other."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base


class CascadeStep(Base):
    """A message's place in its cascade; messages of other rules have none."""

    __tablename__ = "cascade_step"

    outbox_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True
    )
    #: The same for all messages of a rule to a person about an event.
    cascade_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    #: From 0.
    step: Mapped[int] = mapped_column(SmallInteger)
    #: How long a message of the cascade waits for its receipt.
    wait_s: Mapped[int]
    #: Since when the message before it may leave.
    since: Mapped[datetime | None]
    #: When it is decided whether its turn has come; None: not (any more).
    look_at: Mapped[datetime | None] = mapped_column(index=True)
