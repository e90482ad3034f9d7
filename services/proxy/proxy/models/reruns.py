"""Calls that are made again: by a task of an operator's, or by themselves after a failure."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.db.database import stored_enum
from common.jobs.leases import Leased
from sqlalchemy import JSON, ForeignKey, Index, String, Text, Uuid, false
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base, Recorded


class TaskStatus(enum.StrEnum):
    """Where a rerun task stands."""

    RUNNING = "running"  # the worker makes its calls again
    PAUSED = "paused"  # by an operator, who may let it go on; calls in hand still end
    CANCELLED = "cancelled"  # by an operator, for good
    COMPLETED = "completed"  # by the worker: every call has ended or was left out


class RerunState(enum.StrEnum):
    """What became of one call of a task. The worker moves it on; all but two are final."""

    WAITING = "waiting"  # to be made again
    IN_HAND = "in_hand"  # made again, not ended yet
    DONE = "done"  # its repetition was successful or completed
    FAILED = "failed"  # its repetition failed
    UNKNOWN = "unknown"  # the outcome of its repetition is not known
    LEFT_OUT = "left_out"  # not made again; `reason` says why


class RerunTask(Recorded, Leased, Base):
    """Calls to be made again. The counts are of its calls by state."""

    __tablename__ = "rerun_tasks"

    made_by: Mapped[str] = mapped_column(String(255))
    #: The member of staff, where it was one.
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    status: Mapped[TaskStatus] = mapped_column(stored_enum(TaskStatus))
    #: Which calls, in the words of the transactions' list; null: they were named.
    filter: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: It, sealed: what is looked for in addresses names people; null where it is in clear.
    sealed_filter: Mapped[str | None] = mapped_column(Text)
    #: Most of its calls that are in hand at a time.
    batch_size: Mapped[int]
    #: Calls that were repeated already are taken in.
    include_repeated: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: How far the filter was read: its calls from there on are in. Null: all are.
    cursor: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: A worker has to look after it, perhaps only until what is in hand has ended.
    is_at_work: Mapped[bool] = mapped_column(default=True)
    finished_at: Mapped[datetime | None]
    waiting: Mapped[int] = mapped_column(default=0)
    in_hand: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)

    @property
    def total(self) -> int:
        """The calls that were found so far."""
        return self.waiting + self.in_hand + self.ended

    @property
    def ended(self) -> int:
        """The calls with which nothing more happens."""
        return self.done + self.failed + self.unknown + self.left_out


class RerunTaskCall(Base):
    """A call of a task: the original, and its repetition once there is one."""

    __tablename__ = "rerun_task_calls"
    __table_args__ = (
        Index("ix_rerun_task_calls_task_id_state", "task_id", "state", "correlation_id"),
    )

    task_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("rerun_tasks.id", ondelete="CASCADE"), primary_key=True
    )
    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[RerunState] = mapped_column(stored_enum(RerunState))
    repeat_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(Text)


class Retry(Leased, Base):
    """A failed call that is made again by itself at `next_attempt_at`, as its channel says."""

    __tablename__ = "retries"

    #: The original.
    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    channel_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    #: Repetitions so far.
    made: Mapped[int]
    #: The repetition that has not ended yet.
    repeat_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
