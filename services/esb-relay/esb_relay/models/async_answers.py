"""Late answers to calls of the bus, posted until the engine has taken them."""

import enum
import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.database import stored_enum
from common.ids import new_id
from common.jobs.leases import Leased
from sqlalchemy import String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from esb_relay.models.base import Base
from esb_relay.wire.terms import Format


class DeliveryStatus(enum.StrEnum):
    """How a late answer stands."""

    PENDING = "pending"  # a worker posts it, again and again
    DELIVERED = "delivered"  # the engine has taken it
    REFUSED = "refused"  # the engine's signed answer says it will not take it


class AsyncAnswer(Leased, Base):
    """One late answer, the only one for its `requestId`."""

    __tablename__ = "async_answers"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(String(255), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    caller: Mapped[str] = mapped_column(String(255))
    correlation_id: Mapped[str] = mapped_column(String(64), index=True)
    #: Of the span that put it here, where there was one (W3C Trace Context).
    traceparent: Mapped[str | None] = mapped_column(String(55))
    organization: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[DeliveryStatus] = mapped_column(stored_enum(DeliveryStatus))
    format: Mapped[Format] = mapped_column(stored_enum(Format))
    success: Mapped[bool]
    message: Mapped[str] = mapped_column(Text, default="")
    #: The `esbBody` as JSON text; null: none.
    body: Mapped[str | None] = mapped_column(Text)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
