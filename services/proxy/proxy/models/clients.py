"""API clients, their secrets, and the calls that staff make as one of them."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.ids import new_id
from sqlalchemy import JSON, ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from proxy.models.base import Base, Recorded

#: One secret can be rotated without an outage while the other still works.
MAX_LIVE_SECRETS = 2


class Client(Recorded, Base):
    """An external system that calls channels, or fetches tokens for the services' APIs."""

    __tablename__ = "clients"

    name: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(255), unique=True)
    allowed_ips: Mapped[list[str]] = mapped_column(JSON, default=list)
    roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_active: Mapped[bool] = mapped_column(default=True)

    secrets: Mapped[list["ClientSecret"]] = relationship(
        cascade="all, delete-orphan", order_by="ClientSecret.created_at", lazy="selectin"
    )


class ClientSecret(Base):
    """A slow hash of a secret that was shown once."""

    __tablename__ = "client_secrets"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    client_pk: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("clients.id", ondelete="CASCADE"), index=True
    )
    secret_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CallGrant(Base):
    """A member of staff may make one call as a client; afterwards, that they made it."""

    __tablename__ = "call_grants"

    #: Of the grant, with a key (see `proxy.call_grants`); the grant itself is not kept.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_name: Mapped[str] = mapped_column(String(255))
    staff_name: Mapped[str] = mapped_column(String(150))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    #: The call that it let in; none while it is good.
    correlation_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, unique=True)
