"""The vocabulary that other records refer to by code, with names for people.

The code of this service knows the channels and statuses by their enums; the tables name them for
callers, and `is_active` takes a channel or an actor type out of use.
"""

import enum

from common.db.revisions import Revised
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base

CODE_CHARS = 64


class ChannelCode(enum.StrEnum):
    """How a message reaches a person."""

    SMS = "SMS"
    EMAIL = "EMAIL"
    IN_APP = "IN_APP"
    WEBHOOK = "WEBHOOK"


class MessageStatus(enum.StrEnum):
    """Where a message stands."""

    QUEUED = "QUEUED"  # waits for its time; a worker claims it
    WAITING = "WAITING"  # behind another channel, or for its digest; then QUEUED, or ended
    SENDING = "SENDING"  # a worker has it under a lease; the worker, or the sweeper, moves it on
    SENT = "SENT"  # a provider took it; a receipt may move it on
    DELIVERED = "DELIVERED"  # it arrived (final)
    PARTLY_DELIVERED = "PARTLY_DELIVERED"  # some of its numbers have it, others never will (final)
    FAILED = "FAILED"  # refused; for now (a worker tries again) or, with `is_final`, for good
    UNKNOWN = "UNKNOWN"  # it may have left; asked about, or held until an operator decides
    CANCELLED = "CANCELLED"  # an operator stopped it before it left (final)
    DIGESTED = "DIGESTED"  # a digest told it together with others (final)


class Lookup(Revised):
    """Columns that all of them have."""

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_CHARS), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)


class Module(Lookup, Base):
    """A part of the institution's systems that events come from."""

    __tablename__ = "lk_module"


class Channel(Lookup, Base):
    """A way to people."""

    __tablename__ = "lk_channel"


class Status(Lookup, Base):
    """A name for each MessageStatus."""

    __tablename__ = "lk_status"


class Priority(Lookup, Base):
    """How urgent a rule's messages are: a greater `weight` is sent first."""

    __tablename__ = "lk_priority"

    weight: Mapped[int]


class ActorType(Lookup, Base):
    """What a recipient is to the institution; `user_id` is unique within it."""

    __tablename__ = "lk_actor_type"
