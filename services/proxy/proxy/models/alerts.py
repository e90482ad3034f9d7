"""What is watched, who is told when it is not well, and what was raised."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.ids import new_id
from common.jobs.leases import Leased
from sqlalchemy import JSON, Float, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base, Recorded

NAME_CHARS = 255
_OPEN = text("ended_at IS NULL")


class Measure(enum.StrEnum):
    """What a rule looks at; those before MEDIATOR are counted in a window, the rest is checked."""

    FAILURE_SHARE = "failure_share"  # percent of calls that failed
    FAILURES = "failures"  # calls that failed
    LATENCY = "latency"  # milliseconds that a percentile of calls took
    SILENCE = "silence"  # no call in the window
    REJECTED_LOG_INS = "rejected_log_ins"  # log-ins of staff that failed
    MEDIATOR = "mediator"  # failing or silent
    PROCESS = "process"  # does not answer
    DATABASE = "database"
    BROKER = "broker"
    LISTENERS = "listeners"  # ports of channels that could not be opened
    QUEUE_AGE = "queue_age"  # seconds that the oldest job waits
    OUTBOX_UNKNOWN = "outbox_unknown"  # messages whose outcome is unknown
    CERTIFICATE = "certificate"  # days that it is still valid
    DISK = "disk"  # percent that are used
    CLOCK = "clock"  # seconds between two clocks
    MIGRATIONS = "migrations"  # tables are not at this version's revision


class About(enum.StrEnum):
    """Whose calls a rule, or a maintenance window, is about."""

    WHOLE = "whole"
    CHANNEL = "channel"
    CLIENT = "client"
    MEDIATOR = "mediator"


class CheckState(enum.StrEnum):
    """How a part was found."""

    WELL = "well"
    FAILING = "failing"
    UNKNOWN = "unknown"


class HealthCheck(Base):
    """How a part of the installation was found when a worker last looked."""

    __tablename__ = "health_checks"

    measure: Mapped[Measure] = mapped_column(stored_enum(Measure), primary_key=True)
    #: The process, queue, path or certificate; empty where there is one only.
    subject: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    state: Mapped[CheckState] = mapped_column(stored_enum(CheckState))
    value: Mapped[float | None] = mapped_column(Float)
    detail: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[datetime]


class WatchJob(Leased, Base):
    """Something that one of the workers does every few seconds."""

    __tablename__ = "watch_jobs"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: What kept it from being done when it was last tried; empty: nothing.
    trouble: Mapped[str] = mapped_column(Text, default="", server_default="")


class ContactGroup(Recorded, Base):
    """People and systems that are told together."""

    __tablename__ = "contact_groups"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), unique=True)
    #: `[{"kind": "sms", "address": "+255…"}]`: of a webhook the recipient's id.
    contacts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    #: Which reports it gets by e-mail: `daily`, `weekly`.
    reports: Mapped[list[str]] = mapped_column(JSON)
    #: The end of the last day, and week, that was reported.
    reported: Mapped[dict[str, str]] = mapped_column(JSON)


class AlertRule(Recorded, Base):
    """When an alert is raised, and who is told."""

    __tablename__ = "alert_rules"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), unique=True)
    measure: Mapped[Measure] = mapped_column(stored_enum(Measure))
    about: Mapped[About] = mapped_column(stored_enum(About))
    #: The name of a channel, client, mediator, process …; empty: each by itself.
    subject: Mapped[str] = mapped_column(String(NAME_CHARS))
    threshold: Mapped[float] = mapped_column(Float)
    percentile: Mapped[int]
    window_s: Mapped[int]
    #: Of fewer calls in the window nothing is said.
    least_calls: Mapped[int]
    #: After so long an alert that nobody acknowledged is told again; 0: never.
    quiet_s: Mapped[int]
    group_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("contact_groups.id", ondelete="SET NULL")
    )
    #: After so long without an acknowledgement the other group is told, too; 0: never.
    escalate_after_s: Mapped[int]
    escalation_group_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("contact_groups.id", ondelete="SET NULL")
    )
    is_active: Mapped[bool] = mapped_column(default=True)


class Alert(Recorded, Base):
    """A rule's condition that held for a subject, from `created_at` on."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "rule_id",
            "subject",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    rule_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"))
    rule_name: Mapped[str] = mapped_column(String(NAME_CHARS))
    subject: Mapped[str] = mapped_column(String(NAME_CHARS))
    value: Mapped[float | None] = mapped_column(Float)
    detail: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(NAME_CHARS))
    #: When its group was last told.
    notified_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]


class MessageState(enum.StrEnum):
    """What became of a message about an alert."""

    QUEUED = "queued"
    SENT = "sent"  # the notification service has it
    FAILED = "failed"  # the notification service will not take it


class AlertMessage(Leased, Base):
    """One message to one contact, until the notification service has it."""

    __tablename__ = "alert_messages"

    #: Also the key by which the notification service knows it again.
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    #: Null: a report.
    alert_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("alerts.id", ondelete="CASCADE"), index=True
    )
    #: sms, email or webhook.
    kind: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(NAME_CHARS))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[MessageState] = mapped_column(stored_enum(MessageState))
    outcome: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class MaintenanceWindow(Recorded, Base):
    """A time in which nothing is raised about a subject: what is expected is no alert."""

    __tablename__ = "maintenance_windows"

    about: Mapped[About] = mapped_column(stored_enum(About))
    #: Empty: everything of that kind.
    subject: Mapped[str] = mapped_column(String(NAME_CHARS))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(NAME_CHARS))
