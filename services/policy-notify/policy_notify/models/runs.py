"""The scheduler's runs, the lease that lets one happen at a time, and the events consumed."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.ids import new_id
from common.jobs.events import ConsumedEvent
from sqlalchemy import JSON, Date, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base


class RunStatus(enum.StrEnum):
    """Where a run stands."""

    REQUESTED = "requested"  # a worker takes it when no other run is on
    RUNNING = "running"  # under the lease; when that ends, a worker continues it
    ENDED = "ended"  # everything due was decided and dispatched


class Run(Base):
    """One search for what is due on `run_date`, and the dispatch of what was found."""

    __tablename__ = "runs"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    #: The scheduled hour; unique, so that several workers make one run of it.
    slot: Mapped[datetime | None] = mapped_column(unique=True)
    run_date: Mapped[date] = mapped_column(Date)
    requested_by: Mapped[str] = mapped_column(String(255))
    status: Mapped[RunStatus] = mapped_column(stored_enum(RunStatus), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    #: How often it was taken up again after its worker died or stopped.
    continuations: Mapped[int] = mapped_column(default=0)
    #: What came of it, once it has ended; see `policy_notify.runs.summary`.
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class RunLease(Base):
    """The right to run, and that to send about payments: a row each, taken with a token."""

    __tablename__ = "run_lease"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    until: Mapped[datetime | None]


class SeenEvent(ConsumedEvent, Base):
    """The events of the queue that were handled."""

    __tablename__ = "consumed_events"
