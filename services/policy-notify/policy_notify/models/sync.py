"""How far the reading of the scheme's own database has come, and who reads it."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base


class SyncProgress(Base):
    """One table of the source: where a pass that was interrupted goes on."""

    __tablename__ = "sync_progress"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: When the pass began, and from when on it reads what has changed; none: everything.
    began_at: Mapped[datetime]
    since: Mapped[datetime | None]
    #: The source's last key that is done.
    after: Mapped[int] = mapped_column(BigInteger)
    #: How many of the source's records up to there we have.
    known: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]


class SyncState(Base):
    """The right to read the source, one row as `RunLease`; and when complete passes began."""

    __tablename__ = "sync_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    until: Mapped[datetime | None]
    #: The latest pass, and the latest that read everything.
    latest_at: Mapped[datetime | None]
    whole_at: Mapped[datetime | None]
