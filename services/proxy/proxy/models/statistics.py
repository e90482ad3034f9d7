"""What is counted once, so that statistics need not read the record again.

All are copies of what the record says: they may be deleted at any time, and are made again.
"""

import uuid
from datetime import datetime

from common.db.database import stored_enum
from sqlalchemy import BigInteger, Float, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base
from proxy.models.transactions import TransactionStatus


class Counted:
    """Columns of what is counted of some calls."""

    calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    completed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    completed_with_errors: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total_ms: Mapped[float] = mapped_column(Float)
    #: How many calls took how long, as `proxy.statistics.rollups.COUNTS` packs them; compressed
    #: (zlib) but of a channel's hours, as most counts are 0.
    durations: Mapped[bytes] = mapped_column(LargeBinary)


class Staged(Counted):
    """The same with the time that calls spent in each stage."""

    completed: Mapped[int] = mapped_column(BigInteger)
    completed_with_errors: Mapped[int] = mapped_column(BigInteger)
    match_ms: Mapped[float] = mapped_column(Float)
    upstream_ms: Mapped[float] = mapped_column(Float)
    store_ms: Mapped[float] = mapped_column(Float)


class OfClient:
    """A client on a channel."""

    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Empty for calls without credentials.
    client_name: Mapped[str] = mapped_column(String(255), primary_key=True)


class OfMediator:
    """A mediator, told apart by how its calls ended."""

    #: Its endpoint; empty for the bus, and for calls that reached none.
    mediator_url: Mapped[str] = mapped_column(String(255), primary_key=True)
    status: Mapped[TransactionStatus] = mapped_column(
        stored_enum(TransactionStatus), primary_key=True
    )


class OfError:
    """Calls of one channel that failed in one way (see `statistics.error_kinds`)."""

    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(200), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    #: The newest of them.
    example: Mapped[uuid.UUID] = mapped_column(Uuid)


class OfHour:
    """Calls that started in one hour."""

    hour: Mapped[datetime] = mapped_column(primary_key=True)


class OfDay:
    """Calls that started on one day (UTC): what its hours add up to."""

    day: Mapped[datetime] = mapped_column(primary_key=True)
    #: Its hours before this are in it.
    until: Mapped[datetime]


class HourlyRollup(OfHour, Counted, Base):
    """The calls of one channel that started in one hour."""

    __tablename__ = "hourly_tallies"

    #: Empty for calls that knew no channel.
    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)


class DailyRollup(OfDay, Counted, Base):
    """The calls of one channel on one day."""

    __tablename__ = "daily_rollups"

    channel_name: Mapped[str] = mapped_column(String(255), primary_key=True)


class ClientRollup(OfHour, OfClient, Staged, Base):
    """A client's calls on a channel in one hour."""

    __tablename__ = "hourly_client_rollups"


class DailyClientRollup(OfDay, OfClient, Staged, Base):
    """The same of one day."""

    __tablename__ = "daily_client_rollups"


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


class MediatorRollup(OfHour, OfMediator, Staged, Base):
    """A mediator's calls in one hour."""

    __tablename__ = "hourly_mediator_rollups"


class DailyMediatorRollup(OfDay, OfMediator, Staged, Base):
    """The same of one day."""

    __tablename__ = "daily_mediator_rollups"


class ErrorRollup(OfHour, OfError, Base):
    """Calls that failed in one way, in one hour."""

    __tablename__ = "hourly_error_rollups"
    __table_args__ = (Index("ix_hourly_error_rollups_kind", "channel_name", "kind", "hour"),)


class DailyErrorRollup(OfDay, OfError, Base):
    """The same of one day."""

    __tablename__ = "daily_error_rollups"

    first_hour: Mapped[datetime]
    last_hour: Mapped[datetime]


class ChangedHour(Base):
    """An hour of which a call has changed since it was summed up: it is counted anew."""

    __tablename__ = "changed_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
