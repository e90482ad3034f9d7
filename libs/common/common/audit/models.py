"""Mixins of the three tables that every service has in its own schema."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

#: What stands before the first event.
GENESIS = "0" * 64
NAME_CHARS = 255


class EventColumns:
    """One act. Rows are added and never changed; `previous_hash` is that of the row before."""

    __tablename__ = "audit_events"

    #: Without gaps: a missing one was removed.
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(NAME_CHARS), index=True)
    act: Mapped[str] = mapped_column(String(100), index=True)
    object_kind: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str] = mapped_column(String(NAME_CHARS), index=True)
    object_name: Mapped[str] = mapped_column(String(NAME_CHARS))
    #: JSON text as it was hashed; null: nothing was there before, or is there afterwards.
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(String(64))
    correlation_id: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class HeadColumns:
    """One row: the end of the chain. Whoever adds an event holds it until the commit."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last_id: Mapped[int]
    last_hash: Mapped[str] = mapped_column(String(64))


class CheckpointColumns:
    """Events up to `last_id` were removed by the retention command; the chain goes on from here."""

    __tablename__ = "audit_checkpoints"

    last_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


@dataclass(frozen=True)
class AuditTables:
    """A service's own three tables."""

    events: type[Any]
    head: type[Any]
    checkpoints: type[Any]
