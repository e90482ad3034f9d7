"""Calls from the bus: where they go, and what each was answered."""

import enum
import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.revisions import Revised
from common.ids import new_id
from common.jobs.leases import Leased
from sqlalchemy import Index, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from esb_relay.models.base import Base
from esb_relay.wire.terms import Format


class TargetKind(enum.StrEnum):
    """Where a route's calls go."""

    HTTP = "http"  # `target` is an address; the body is posted there
    PROXY = "proxy"  # `target` is a path of the channel proxy, asked with our own credentials
    QUEUE = "queue"  # `target` is a queue; the call becomes a CloudEvent there


class CallbackRoute(Revised, Base):
    """A route `/api/esb/inbound/<name>`."""

    __tablename__ = "callback_routes"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    target_kind: Mapped[TargetKind] = mapped_column(stored_enum(TargetKind))
    target: Mapped[str] = mapped_column(String(2048))
    organization: Mapped[str | None] = mapped_column(String(255))
    #: Answered "accepted" at once; the target's answer is posted to the engine later.
    is_async: Mapped[bool] = mapped_column(default=False)
    #: The target itself runs a repeated `Idempotency-Key` once, so it may be asked again.
    is_repeatable: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)


class InboundStatus(enum.StrEnum):
    """How a call of the bus stands."""

    RUNNING = "running"  # its target is being asked by whoever holds the lease
    WAITING = "waiting"  # answered "accepted"; a worker asks its target
    DONE = "done"  # its target was asked, or what came of it is not known


class InboundEnvelope(Base):
    """A signed message of the bus that was acted on, at whichever route; outlives its answer."""

    __tablename__ = "inbound_envelopes"
    __table_args__ = (Index("ix_inbound_envelopes_route_request_id", "route", "request_id"),)

    #: SHA-256 of the text that was signed.
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    route: Mapped[str] = mapped_column(String(100))
    request_id: Mapped[str] = mapped_column(String(255))
    received_at: Mapped[datetime] = mapped_column(index=True)


class InboundRequest(Leased, Base):
    """A verified call of the bus, once per route and `requestId`, with the answer it got."""

    __tablename__ = "inbound_requests"

    route: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    exchange_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    correlation_id: Mapped[str] = mapped_column(String(64))
    #: Of the span that put it here, where there was one (W3C Trace Context).
    traceparent: Mapped[str | None] = mapped_column(String(55))
    received_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[InboundStatus] = mapped_column(stored_enum(InboundStatus))
    format: Mapped[Format] = mapped_column(stored_enum(Format))
    api_code: Mapped[str | None] = mapped_column(String(255))
    #: What the target gets, as JSON text; null: no body, or no longer needed.
    body: Mapped[str | None] = mapped_column(Text)
    #: Committed before the target is asked: from then on it may have acted.
    sent_at: Mapped[datetime | None]
    #: The signed answer, given to the byte to every delivery.
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
