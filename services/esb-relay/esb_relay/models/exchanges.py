"""The log of every exchange with the bus, in both directions."""

import enum
import uuid
from datetime import datetime

from common.db.database import stored_enum
from common.db.partitions import by_month
from sqlalchemy import Float, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from esb_relay.models.base import Base
from esb_relay.wire.terms import Format, Spelling


class Direction(enum.StrEnum):
    """Who began."""

    OUTGOING = "outgoing"  # we asked the bus
    INCOMING = "incoming"  # the bus called us


class ExchangeMode(enum.StrEnum):
    """What kind of message it was."""

    NORMAL = "normal"  # asks an API for data
    PUSH = "push"  # delivers data, cannot be repeated safely
    NIDA = "nida"  # asks the national identity authority
    ASYNC = "async"  # our late answer to a call of the bus
    CALLBACK = "callback"  # a call of the bus


class ExchangeStatus(enum.StrEnum):
    """How an exchange stands; every one but the first is final."""

    SENDING = "sending"  # in hand; its process ends it or, if that died, the sweeper
    SUCCEEDED = "succeeded"  # verified, success
    FAILED = "failed"  # verified, and the answer says it did not succeed
    NOT_SENT = "not_sent"  # nothing reached the engine
    REFUSED = "refused"  # the engine (or we, for a callback) would not take it
    UNVERIFIABLE = "unverifiable"  # an answer came that nobody can vouch for
    UNKNOWN = "unknown"  # it may have arrived; its answer did not


class Exchange(Base):
    """One exchange. Sizes and digests (SHA-256) are of whole envelopes, as sent and received."""

    __tablename__ = "exchanges"
    __table_args__ = (
        Index("ix_exchanges_organization_id", "organization", "id"),
        Index("ix_exchanges_code_id", "code", "id"),
        Index("ix_exchanges_request_id", "request_id"),
        Index("ix_exchanges_correlation_id", "correlation_id"),
        Index(
            "ix_exchanges_not_succeeded",
            "status",
            "id",
            sqlite_where=text("status <> 'succeeded'"),
            postgresql_where=text("status <> 'succeeded'"),
        ),
        by_month("id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    direction: Mapped[Direction] = mapped_column(stored_enum(Direction))
    mode: Mapped[ExchangeMode] = mapped_column(stored_enum(ExchangeMode))
    code: Mapped[str] = mapped_column(String(255))
    organization: Mapped[str | None] = mapped_column(String(255))
    #: Who asked for it: the subject of the token, or the route that the bus called.
    caller: Mapped[str] = mapped_column(String(255))
    correlation_id: Mapped[str] = mapped_column(String(64))
    #: The id that the bus gives an exchange.
    request_id: Mapped[str | None] = mapped_column(String(255))
    format: Mapped[Format] = mapped_column(stored_enum(Format))
    status: Mapped[ExchangeStatus] = mapped_column(stored_enum(ExchangeStatus))
    #: The HTTP status of the engine's last answer.
    http_status: Mapped[int | None]
    attempts: Mapped[int]
    verified_by: Mapped[Spelling | None] = mapped_column(stored_enum(Spelling))
    #: The key that vouched for what was received.
    kid: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    engine_ms: Mapped[float | None] = mapped_column(Float)
    duration_ms: Mapped[float | None] = mapped_column(Float)
    request_bytes: Mapped[int]
    request_digest: Mapped[str] = mapped_column(String(64))
    answer_bytes: Mapped[int | None]
    answer_digest: Mapped[str | None] = mapped_column(String(64))
    #: The envelopes themselves, only with `ESB_STORE_BODIES=true`.
    request_body: Mapped[str | None] = mapped_column(Text)
    answer_body: Mapped[str | None] = mapped_column(Text)
