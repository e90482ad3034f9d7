"""People who operate the hub, and what is known of their coming and going."""

import uuid
from datetime import datetime

from common.console.staff import StaffRole
from common.db.database import stored_enum
from common.db.revisions import Revised
from common.ids import new_id
from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from proxy.models.base import Base, Recorded


class CustomRole(Recorded, Base):
    """A role of staff that an administrator made; the four others are built in."""

    __tablename__ = "staff_roles"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    #: Values of `common.console.rights.Right`.
    rights: Mapped[list[str]] = mapped_column(JSON)
    #: Ids of the channels whose calls it views, sees bodies of, makes again; null: of all.
    view_channels: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    body_channels: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    rerun_channels: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class StaffUser(Revised, Recorded, Base):
    """A person who signs in at `/admin/login/`."""

    __tablename__ = "staff_users"
    __table_args__ = (Index("uq_staff_users_oidc_identity", "oidc_identity", unique=True),)

    username: Mapped[str] = mapped_column(String(150), unique=True)
    email: Mapped[str] = mapped_column(String(255), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[StaffRole] = mapped_column(stored_enum(StaffRole), default=StaffRole.VIEWER)
    #: A role that is not built in; `role` is the least one then.
    role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff_roles.id"))
    custom_role: Mapped[CustomRole | None] = relationship(lazy="selectin")
    is_active: Mapped[bool] = mapped_column(default=True)
    last_login_at: Mapped[datetime | None]
    #: What their authenticator app computes codes from, sealed; null: they have no app.
    sealed_totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: The step of time whose code was used last: no code is used twice.
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    #: Digests of the recovery codes that are left.
    recovery_hashes: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default=text("'[]'")
    )
    #: The language that they read, of `common.texts.LANGUAGES`; null: as their browser says.
    language: Mapped[str | None] = mapped_column(String(8))
    #: Issuer and subject of who signs in by OpenID Connect.
    oidc_identity: Mapped[str | None] = mapped_column(String(512))

    @property
    def role_name(self) -> str:
        """What their role is called."""
        return self.role.value if self.custom_role is None else self.custom_role.name


class Passkey(Base):
    """A key of a member of staff's device, by which they sign in without a password."""

    __tablename__ = "passkeys"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    staff_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("staff_users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(100))
    #: As browsers write it, in base64url.
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    #: How often it signed; authenticators that do not count say 0.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    #: The host that it was made for, and works at.
    host: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class OpenSession(Base):
    """A session that began here: what its member, and administrators, see of it.

    It stands as long as its token does, and no `EndedSession` has its id.
    """

    __tablename__ = "open_sessions"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("staff_users.id", ondelete="CASCADE"), index=True
    )
    #: How its holder proved who they are: see `proxy.console.sessions.Proof`.
    proof: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(255))
    began_at: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime]


class SavedView(Recorded, Base):
    """A filter of the list of calls that a member of staff keeps under a name."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("staff_id", "name", name="uq_saved_views_staff_id_name"),)

    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff_users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    #: Everybody sees it.
    is_shared: Mapped[bool] = mapped_column(default=False)
    #: The query of the list, sealed: it may name a person.
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class PasswordReset(Base):
    """A link by which a member of staff may choose a new password, once."""

    __tablename__ = "password_resets"

    staff_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("staff_users.id", ondelete="CASCADE"), primary_key=True
    )
    #: Of the link's secret; the link itself is in the e-mail only.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class LoginAttempt(Base):
    """A try to sign in that has not succeeded (yet)."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_address_attempted_at", "address", "attempted_at"),
        Index("ix_login_attempts_name_digest_attempted_at", "name_digest", "attempted_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    #: Of the name without regard to case; people mistake the fields, so it may be a password.
    name_digest: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    attempted_at: Mapped[datetime]


class UsualPlace(Base):
    """An address from which a member of staff has signed in: others' guesses do not count there."""

    __tablename__ = "usual_places"

    name_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_at: Mapped[datetime] = mapped_column(index=True)


class EndedSession(Base):
    """A session that was signed out of, or ended, or a step of a sign-in that was taken.

    Its token would otherwise still be good for a while.
    """

    __tablename__ = "ended_sessions"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(index=True)
