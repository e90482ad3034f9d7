"""What is counted once, so that statistics need not read the record again."""

import uuid
from datetime import datetime

from common.db.database import stored_enum
from sqlalchemy import BigInteger, Float, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base
from proxy.models.transactions import TransactionStatus


class HourlyRollup(Base):
    """The calls of one channel that started in one hour.

    A copy of what the record says: it may be deleted at any time, and is made again.
    """

    __tablename__ = "hourly_tallies"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    #: Empty for calls that knew no channel.
    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    completed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    completed_with_errors: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total_ms: Mapped[float] = mapped_column(Float)
    #: How many calls took how long, as `proxy.statistics.rollups.COUNTS` packs them.
    durations: Mapped[bytes] = mapped_column(LargeBinary)


class ClientRollup(Base):
    """The same of one client on one channel, with the time that its calls spent per stage."""

    __tablename__ = "hourly_client_rollups"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Empty for calls without credentials.
    client_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    completed: Mapped[int] = mapped_column(BigInteger)
    completed_with_errors: Mapped[int] = mapped_column(BigInteger)
    total_ms: Mapped[float] = mapped_column(Float)
    match_ms: Mapped[float] = mapped_column(Float)
    upstream_ms: Mapped[float] = mapped_column(Float)
    store_ms: Mapped[float] = mapped_column(Float)
    #: As above, compressed (zlib): most counts are 0.
    durations: Mapped[bytes] = mapped_column(LargeBinary)


class MinuteRollup(Base):
    """A client's calls on a channel that began in one minute; kept for about a day."""

    __tablename__ = "minute_rollups"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    client_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    #: Of them, those that had not ended when they were counted.
    open_calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    #: As of an hour.
    durations: Mapped[bytes] = mapped_column(LargeBinary)


class MediatorRollup(Base):
    """The same of one mediator, told apart by how its calls ended."""

    __tablename__ = "hourly_mediator_rollups"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    #: Its endpoint; empty for the bus, and for calls that reached none.
    mediator_url: Mapped[str] = mapped_column(String(255), primary_key=True)
    status: Mapped[TransactionStatus] = mapped_column(
        stored_enum(TransactionStatus), primary_key=True
    )
    calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    completed: Mapped[int] = mapped_column(BigInteger)
    completed_with_errors: Mapped[int] = mapped_column(BigInteger)
    total_ms: Mapped[float] = mapped_column(Float)
    match_ms: Mapped[float] = mapped_column(Float)
    upstream_ms: Mapped[float] = mapped_column(Float)
    store_ms: Mapped[float] = mapped_column(Float)
    #: As above, compressed (zlib).
    durations: Mapped[bytes] = mapped_column(LargeBinary)


class ErrorRollup(Base):
    """Calls of one channel that failed in one way, in one hour (see `statistics.error_kinds`)."""

    __tablename__ = "hourly_error_rollups"
    __table_args__ = (Index("ix_hourly_error_rollups_kind", "channel_name", "kind", "hour"),)

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(200), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    #: The newest of them.
    example: Mapped[uuid.UUID] = mapped_column(Uuid)
