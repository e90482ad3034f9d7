"""The record of every call, of every rejection, and what is kept to answer or repeat a call."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.db.database import stored_enum
from common.db.partitions import by_month
from common.jobs.leases import Leased
from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    Index,
    LargeBinary,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base


class TransactionStatus(enum.StrEnum):
    """Where a call stands. All but the first two are final."""

    PENDING = "pending"  # accepted; a worker takes it on
    PROCESSING = "processing"  # being forwarded; its process or, if that died, the sweeper ends it
    SUCCESSFUL = "successful"  # upstream answered 2xx or 3xx
    COMPLETED = "completed"  # answered, not all with 2xx: where routes or a report are judged
    COMPLETED_WITH_ERRORS = "completed with errors"  # so is this: a secondary route failed
    FAILED = "failed"  # anything else, and what is not known


OPEN_STATUSES = frozenset({TransactionStatus.PENDING, TransactionStatus.PROCESSING})
FINAL_STATUSES = frozenset(TransactionStatus) - OPEN_STATUSES

#: What most calls are is not worth an index: it would be paid for by every call. The rest is
#: indexed; a query that wants such an index says its condition in these very words.
NOT_SUCCESSFUL = text("status <> 'successful'")
NOT_200 = text("response_status_code <> 200")
USUAL_METHODS = ("GET", "POST")
RARE_METHOD = text(f"request_method NOT IN {USUAL_METHODS}")
IS_RERUN = text("parent_id IS NOT NULL")
SLOW_MS = 1000
IS_SLOW = text(f"duration_ms >= {SLOW_MS}")


class Transaction(Base):
    """One call. Names of channel and client are kept as they were.

    What other tables have of a call goes with it (`proxy.record.removal`): a foreign key would be
    asked for each row before a month of calls can be dropped.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        Index("ix_transactions_channel_name_correlation_id", "channel_name", "correlation_id"),
        Index("ix_transactions_client_name_correlation_id", "client_name", "correlation_id"),
        Index(
            "ix_transactions_not_successful",
            "status",
            "correlation_id",
            sqlite_where=NOT_SUCCESSFUL,
            postgresql_where=NOT_SUCCESSFUL,
        ),
        # The id comes first: a class of statuses (5xx) is in its order, too.
        Index(
            "ix_transactions_not_200",
            "correlation_id",
            "response_status_code",
            sqlite_where=NOT_200,
            postgresql_where=NOT_200,
        ),
        Index(
            "ix_transactions_rare_method",
            "request_method",
            "correlation_id",
            sqlite_where=RARE_METHOD,
            postgresql_where=RARE_METHOD,
        ),
        Index(
            "ix_transactions_parent_id",
            "parent_id",
            sqlite_where=IS_RERUN,
            postgresql_where=IS_RERUN,
        ),
        Index(
            "ix_transactions_slow",
            "correlation_id",
            "duration_ms",
            sqlite_where=IS_SLOW,
            postgresql_where=IS_SLOW,
        ),
        by_month("correlation_id"),
    )

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    channel_name: Mapped[str | None] = mapped_column(String(255))
    client_name: Mapped[str] = mapped_column(String(255))
    client_address: Mapped[str] = mapped_column(String(64))
    organization: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[TransactionStatus] = mapped_column(stored_enum(TransactionStatus))
    request_method: Mapped[str] = mapped_column(String(32))
    #: Path and query. In clear in the database: its start that is literal in the channel's pattern.
    request_url: Mapped[str] = mapped_column(Text)
    request_headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Both, sealed together (see `proxy.models.sealed`); null where they are in clear.
    request_head: Mapped[str | None] = mapped_column(Text)
    #: The mediator's endpoint, before the path of `request_url`; null for the bus.
    mediator_url: Mapped[str | None] = mapped_column(String(2048))
    request_body: Mapped[str] = mapped_column(Text)
    #: Bytes of the whole body as it came, however much of it is kept; null where nobody knows.
    request_body_length: Mapped[int | None] = mapped_column(BigInteger)
    #: The stored text is the whole body, unpacked, so the call can be repeated from it.
    request_body_whole: Mapped[bool]
    response_status_code: Mapped[int | None]
    response_headers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: They, sealed; null where they are in clear.
    response_head: Mapped[str | None] = mapped_column(Text)
    response_body: Mapped[str | None] = mapped_column(Text)
    response_body_length: Mapped[int | None] = mapped_column(BigInteger)
    error_message: Mapped[str | None] = mapped_column(Text)
    esb_exchange_id: Mapped[str | None] = mapped_column(String(64))
    #: The worker process that answers for a `processing` row; see the sweeper.
    owner: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    match_ms: Mapped[float | None] = mapped_column(Float)
    upstream_ms: Mapped[float | None] = mapped_column(Float)
    store_ms: Mapped[float | None] = mapped_column(Float)
    duration_ms: Mapped[float | None] = mapped_column(Float)


class StoredRequest(Base):
    """A request to the byte: of asynchronous calls, and of channels that keep whole bodies."""

    __tablename__ = "stored_requests"
    __table_args__ = by_month("correlation_id")

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    raw_path: Mapped[str] = mapped_column(Text)
    #: Query and headers as they go to the mediator, sealed (see `proxy.record.sealing`).
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class StoredResponse(Base):
    """The whole answer of an asynchronous call, until `expires_at`."""

    __tablename__ = "stored_responses"

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    status: Mapped[int]
    #: Headers and body, sealed (see `proxy.record.sealing`).
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class TransactionReport(Base):
    """Steps of a call besides its own request and answer: part 0 is what its mediator reports in an
    OpenHIM answer, every further part a secondary route.
    """

    __tablename__ = "transaction_reports"
    __table_args__ = by_month("correlation_id")

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: JSON, sealed (see `proxy.record.sealing`): `urn`, `orchestrations`, `error`.
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class TransactionProperty(Base):
    """A property that a mediator gave a call so that it can be found by it: in clear."""

    __tablename__ = "transaction_properties"
    __table_args__ = (
        Index("ix_transaction_properties_name_value", "name", "value", "correlation_id"),
        # For who has a value and does not know what it is called.
        Index("ix_transaction_properties_value", "value", "correlation_id"),
        by_month("correlation_id"),
    )

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(String(512))


class TransactionField(Base):
    """A value of a field that the call's channel indexes, so that the call is found by it.

    `digest` finds it without saying it; `sealed` holds it for a new key
    (see `proxy.record.indexed_fields`).
    """

    __tablename__ = "transaction_fields"
    __table_args__ = (Index("ix_transaction_fields_digest", "digest", "correlation_id"),)

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class AsyncCall(Leased, Base):
    """An accepted asynchronous call until it ends."""

    __tablename__ = "async_calls"

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    channel_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    esb: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    has_idempotency_key: Mapped[bool]
    #: Committed before the request leaves: from then on it may have arrived.
    sent_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """The first call under a client's `Idempotency-Key`, and its whole answer once there is one."""

    __tablename__ = "idempotency_keys"

    client_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(index=True)
    response_status_code: Mapped[int | None]
    response_headers: Mapped[list[list[str]] | None] = mapped_column(JSON(none_as_null=True))
    response_body: Mapped[bytes | None] = mapped_column(LargeBinary)


class Rejection(Base):
    """A request that was refused before it became a call: what was claimed, and why not."""

    __tablename__ = "rejections"
    __table_args__ = by_month("correlation_id")

    correlation_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    rejected_at: Mapped[datetime]
    client_claimed: Mapped[str | None] = mapped_column(String(255))
    client_address: Mapped[str] = mapped_column(String(64))
    request_method: Mapped[str] = mapped_column(String(32))
    request_path: Mapped[str] = mapped_column(Text)
    status_code: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    #: For 404 and its like: the nearest channels and why each did not match.
    nearest: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    #: `request_path` and `nearest`, sealed together; null where they are in clear.
    sealed: Mapped[str | None] = mapped_column(Text)


class GatewayProcess(Base):
    """A process that owns calls, and when it was last seen alive."""

    __tablename__ = "gateway_processes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime]
