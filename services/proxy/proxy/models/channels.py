"""Mediators, the channels that lead to them, and ESB registrations."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.db.database import stored_enum
from common.db.revisions import Revised
from common.jobs.leases import Leased
from sqlalchemy import (
    JSON,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from proxy.models.base import Base, Recorded
from proxy.models.clients import network_text

USUAL_RESPONSE_RETENTION_DAYS = 1
USUAL_RETRY_ATTEMPTS = 5


class ChannelType(enum.StrEnum):
    """How the mediator is spoken to."""

    HTTP = "http"  # over HTTP, encrypted where the endpoint says so
    HTTPS = "https"  # only over TLS: a clear-text endpoint is refused
    TCP = "tcp"  # the body is written to a socket, what comes back is the answer


class Framing(enum.StrEnum):
    """What a listener takes for a message, and what its mediator gets of it."""

    MLLP = "mllp"  # a frame of MLLP, taken off; one is put round the answer
    MLLP_AS_IT_IS = "mllp-as-it-is"  # a frame of MLLP that the mediator gets, too
    PLAIN = "plain"  # all until the sender ends writing; one message for a connection


class Mediator(Revised, Recorded, Base):
    """A system behind the hub. `urn` names it for good, `version` (semver) moves on."""

    __tablename__ = "mediators"

    name: Mapped[str] = mapped_column(String(255))
    urn: Mapped[str] = mapped_column(String(255), unique=True)
    version: Mapped[str] = mapped_column(String(64))
    endpoint_url: Mapped[str] = mapped_column(String(2048))
    is_online: Mapped[bool] = mapped_column(default=True)
    last_heartbeat: Mapped[datetime | None]
    uptime: Mapped[float | None] = mapped_column(Float)
    #: Until when a process leaves it alone that opened its circuit last; null: it answers.
    circuit_open_until: Mapped[datetime | None]
    #: Masks stand where passwords are (see `proxy.registry.mediator_config`).
    config: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: What the masks of `config` and `default_channels` stand for, sealed.
    sealed_config: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: What it is shown by the hub, without the secret: `kind`, `name`.
    credentials: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: In PEM. Authorities: who may vouch for it; none: those of the process.
    ca_certificates: Mapped[str] = mapped_column(Text, default="", server_default="")
    client_certificate: Mapped[str] = mapped_column(Text, default="", server_default="")
    has_client_key: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The credentials' secret and the certificate's key (see `proxy.registry.mediator_secrets`).
    sealed_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: When an operator last changed `config`; null: it is as the mediator brought it.
    config_changed_at: Mapped[datetime | None]
    #: What the mediator said of itself when it registered, in OpenHIM's shapes.
    endpoints: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    config_defs: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, server_default="[]"
    )
    default_channels: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, server_default="[]"
    )
    #: The client id of the machine account that may register it and beat for it; empty: none.
    account: Mapped[str] = mapped_column(String(255), default="", server_default="")


class Channel(Revised, Recorded, Base):
    """Which calls go to which mediator, and what they must look like."""

    __tablename__ = "channels"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    path_pattern: Mapped[str] = mapped_column(String(1024))
    methods: Mapped[list[str]] = mapped_column(JSON, default=list)
    requires_request_body: Mapped[bool] = mapped_column(default=False)
    request_content_type: Mapped[str] = mapped_column(String(255), default="")
    request_body_example: Mapped[str] = mapped_column(Text, default="")
    request_body_schema: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    channel_type: Mapped[ChannelType] = mapped_column(
        stored_enum(ChannelType), default=ChannelType.HTTP
    )
    priority: Mapped[int] = mapped_column(default=1)
    is_active: Mapped[bool] = mapped_column(default=True)
    allow: Mapped[list[str]] = mapped_column(JSON, default=list)
    timeout_s: Mapped[float | None] = mapped_column(Float)
    #: Most seconds for a whole call; null: `MEDIATOR_TOTAL_TIMEOUT`.
    total_timeout_s: Mapped[float | None] = mapped_column(Float)
    #: `Prefer: respond-async` and `?async` are the mediator's to answer, not the hub's.
    async_passthrough: Mapped[bool] = mapped_column(default=False, server_default=false())
    store_request_body: Mapped[bool] = mapped_column(default=True)
    store_response_body: Mapped[bool] = mapped_column(default=True)
    keep_whole_bodies: Mapped[bool] = mapped_column(default=False)
    #: Whoever opens a body of its calls says why; the audit log keeps it.
    ask_reason: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Days that its calls are kept on record; null: `TRANSACTION_RETENTION_DAYS`.
    retention_days: Mapped[int | None]
    #: `name`, `kind`, `expression` of what calls are found by: see `proxy.record.indexed_fields`.
    indexed_fields: Mapped[list[dict[str, str]]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    #: `kind`, `expression` of what is not recorded of bodies: see `proxy.record.masked_bodies`.
    masked_fields: Mapped[list[dict[str, str]]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    #: Days in which the whole answer of an asynchronous call can be fetched; 0: it is not kept.
    response_retention_days: Mapped[int] = mapped_column(
        default=USUAL_RESPONSE_RETENTION_DAYS, server_default=str(USUAL_RESPONSE_RETENTION_DAYS)
    )
    #: Another hub that gets a copy of each call, and whether of unsafe methods (POST …) as well.
    shadow_url: Mapped[str] = mapped_column(String(2048), default="", server_default="")
    shadow_unsafe: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Calls without credentials are let in, as nobody's.
    is_public: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Networks that calls come from, whoever makes them; none: any.
    allowed_addresses: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    always_async: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Media types of requests that the channel takes; none: any, and those without one.
    match_content_types: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    #: `kind` (regex, json, xpath), `expression`, `value`: see `proxy.registry.content_match`.
    match_body: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    rewrite_path: Mapped[str] = mapped_column(String(2048), default="", server_default="")
    rewrite_expression: Mapped[str] = mapped_column(String(1024), default="", server_default="")
    #: The mediator's addresses in its answers become the hub's.
    rewrite_urls: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The mediator gets the client's id and name.
    tell_client: Mapped[bool] = mapped_column(default=True, server_default=true())
    #: The caller's `Authorization` goes on to the mediator.
    forward_authorization: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: See `proxy.registry.secondary_routes`.
    routes: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    #: `port`, `framing`, `tls`, `client_authorities`: messages come in there, and no other calls.
    listener: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: `schedule`, `time_zone`: the hub makes its calls itself, and takes none.
    polling: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The client id that messages of the listener and polls are made for; empty: nobody's.
    acts_for: Mapped[str] = mapped_column(String(255), default="", server_default="")
    #: Seconds after which a failed call is made again by itself; null: it is not.
    retry_period_s: Mapped[int | None]
    #: Most times that it is.
    retry_max_attempts: Mapped[int] = mapped_column(
        default=USUAL_RETRY_ATTEMPTS, server_default=str(USUAL_RETRY_ATTEMPTS)
    )
    mediator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mediators.id"), index=True)

    mediator: Mapped[Mediator] = relationship(lazy="joined")

    @validates("allowed_addresses")
    def _as_ipv4(self, _name: str, texts: list[str]) -> list[str]:
        return [network_text(text) for text in texts]

    @validates("methods")
    def _as_sent(self, _name: str, methods: list[str]) -> list[str]:
        """Methods have letter case, and all of ours are in capitals."""
        return [method.upper() for method in methods]


class ExternalSystemRegistration(Revised, Recorded, Base):
    """An organization's codes on the bus: for one channel, or (channel null) for all."""

    __tablename__ = "esb_registrations"
    __table_args__ = (
        UniqueConstraint("channel_id", "organization_key"),
        Index(
            "uq_esb_registrations_global_organization",
            "organization_key",
            unique=True,
            sqlite_where=text("channel_id IS NULL"),
            postgresql_where=text("channel_id IS NULL"),
        ),
    )

    channel_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE")
    )
    organization: Mapped[str] = mapped_column(String(255))
    #: The organization without regard to case: what calls are matched by.
    organization_key: Mapped[str] = mapped_column(String(255))
    api_code: Mapped[str] = mapped_column(String(255), default="")
    push_code: Mapped[str] = mapped_column(String(255), default="")
    #: The client ids and roles that may act for the organization; null: every client, as it was
    #: before registrations said so.
    allow: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    is_active: Mapped[bool] = mapped_column(default=True)


class ListenerState(Base):
    """What the gateway process that tried last says of a channel's port; empty: it listens."""

    __tablename__ = "listener_states"

    channel_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    port: Mapped[int]
    error: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime]


class Poll(Leased, Base):
    """A polling channel's next due time (`next_attempt_at`), and its last call."""

    __tablename__ = "polls"

    channel_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    #: The call that was made last: the next one waits until it has ended.
    call_id: Mapped[uuid.UUID | None]
    #: The due time that it was made for.
    made_for: Mapped[datetime | None]


class RoutingVersion(Base):
    """One row that counts changes of clients, mediators, channels and registrations.

    Every process compares it with the version its routing table was compiled from.
    """

    __tablename__ = "routing_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=0)
