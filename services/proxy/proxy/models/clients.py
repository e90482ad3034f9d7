"""API clients, their secrets, and the calls that staff make as one of them."""

import uuid
from datetime import datetime
from ipaddress import ip_network

from common.clock import utc_now
from common.db.revisions import Revised
from common.ids import new_id
from common.networks import parsed_network
from sqlalchemy import JSON, Float, ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from proxy.models.base import Base, Recorded

#: One secret can be rotated without an outage while the other still works.
MAX_LIVE_SECRETS = 2


class Client(Revised, Recorded, Base):
    """An external system that calls channels, or fetches tokens for the services' APIs."""

    __tablename__ = "clients"
    __table_args__ = (Index("uq_clients_token_digest", "token_digest", unique=True),)

    name: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(255), unique=True)
    allowed_ips: Mapped[list[str]] = mapped_column(JSON, default=list)
    roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Fingerprints and subjects of certificates that stand for a secret
    #: (see `proxy.access.certificates`).
    certificates: Mapped[list[str]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
    #: Most calls a second, and at a time; null: the installation's own limits.
    max_rate: Mapped[float | None] = mapped_column(Float)
    max_concurrent: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Of the token of `Authorization: Custom …`, with a key (see `proxy.access.client_tokens`).
    token_digest: Mapped[str | None] = mapped_column(String(64))
    #: Salt and digest of a machine account's log-in by token, sealed (see `proxy.access.log_ins`).
    sealed_log_in: Mapped[bytes | None] = mapped_column(LargeBinary)

    secrets: Mapped[list["ClientSecret"]] = relationship(
        cascade="all, delete-orphan", order_by="ClientSecret.created_at", lazy="selectin"
    )

    @property
    def has_custom_token(self) -> bool:
        """Whether `Authorization: Custom …` can mean it."""
        return self.token_digest is not None

    @property
    def may_log_in_by_token(self) -> bool:
        """Whether it can log in as older mediators do."""
        return self.sealed_log_in is not None

    @validates("allowed_ips")
    def _as_ipv4(self, _name: str, texts: list[str]) -> list[str]:
        return [network_text(text) for text in texts]


class ClientSecret(Base):
    """A slow hash of a secret that was shown once."""

    __tablename__ = "client_secrets"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    client_pk: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("clients.id", ondelete="CASCADE"), index=True
    )
    secret_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: When it was right last, to within a minute or so; null: not since this is noted.
    last_used_at: Mapped[datetime | None]


class CallGrant(Base):
    """A member of staff may make one call as a client; afterwards, that they made it."""

    __tablename__ = "call_grants"

    #: Of the grant, with a key (see `proxy.access.call_grants`); the grant itself is not kept.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_name: Mapped[str] = mapped_column(String(255))
    staff_name: Mapped[str] = mapped_column(String(150))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    #: The call that it let in; none while it is good.
    correlation_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, unique=True)


def network_text(text: str) -> str:
    """The text as it was given, but IPv4 within IPv6 as IPv4. Raises ValueError."""
    network = parsed_network(text)
    if network.version == ip_network(text, strict=False).version:
        return text
    is_address = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_address else str(network)
