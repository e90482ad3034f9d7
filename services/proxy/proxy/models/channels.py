"""Mediators, the channels that lead to them, and ESB registrations."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.database import stored_enum
from sqlalchemy import JSON, Float, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from proxy.models.base import Base, Recorded


class ChannelType(enum.StrEnum):
    """How the mediator is spoken to."""

    HTTP = "http"  # over HTTP, encrypted where the endpoint says so
    HTTPS = "https"  # only over TLS: a clear-text endpoint is refused
    TCP = "tcp"  # the body is written to a socket, what comes back is the answer


class Mediator(Recorded, Base):
    """A system behind the hub. `urn` names it for good, `version` (semver) moves on."""

    __tablename__ = "mediators"

    name: Mapped[str] = mapped_column(String(255))
    urn: Mapped[str] = mapped_column(String(255), unique=True)
    version: Mapped[str] = mapped_column(String(64))
    endpoint_url: Mapped[str] = mapped_column(String(2048))
    is_online: Mapped[bool] = mapped_column(default=True)
    last_heartbeat: Mapped[datetime | None]
    uptime: Mapped[float | None] = mapped_column(Float)
    config: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Channel(Recorded, Base):
    """Which calls go to which mediator, and what they must look like."""

    __tablename__ = "channels"
    __table_args__ = (UniqueConstraint("path_pattern", "mediator_id"),)

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
    store_request_body: Mapped[bool] = mapped_column(default=True)
    store_response_body: Mapped[bool] = mapped_column(default=True)
    keep_whole_bodies: Mapped[bool] = mapped_column(default=False)
    mediator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mediators.id"), index=True)

    mediator: Mapped[Mediator] = relationship(lazy="joined")


class ExternalSystemRegistration(Recorded, Base):
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
    is_active: Mapped[bool] = mapped_column(default=True)


class RoutingVersion(Base):
    """One row that counts changes of clients, mediators, channels and registrations.

    Every process compares it with the version its routing table was compiled from.
    """

    __tablename__ = "routing_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=0)
