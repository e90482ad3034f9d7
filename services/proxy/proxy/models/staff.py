"""People who operate the hub, and what is known of their coming and going."""

import uuid
from datetime import datetime

from common.console.staff import StaffRole
from common.db.database import stored_enum
from common.ids import new_id
from sqlalchemy import Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base, Recorded


class StaffUser(Recorded, Base):
    """A person who signs in at `/admin/login/`."""

    __tablename__ = "staff_users"

    username: Mapped[str] = mapped_column(String(150), unique=True)
    email: Mapped[str] = mapped_column(String(255), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[StaffRole] = mapped_column(stored_enum(StaffRole), default=StaffRole.VIEWER)
    is_active: Mapped[bool] = mapped_column(default=True)
    last_login_at: Mapped[datetime | None]


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
    """A session that was signed out of; its token would otherwise still be good for a while."""

    __tablename__ = "ended_sessions"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(index=True)
