"""People who operate the hub."""

import enum
from datetime import datetime

from common.database import stored_enum
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from proxy.models.base import Base, Recorded


class StaffRole(enum.StrEnum):
    """What a member of staff may do in the console."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # reads, reruns and sends
    ADMIN = "admin"  # changes everything


class StaffUser(Recorded, Base):
    """A person who signs in at `/admin/login/`."""

    __tablename__ = "staff_users"

    username: Mapped[str] = mapped_column(String(150), unique=True)
    email: Mapped[str] = mapped_column(String(255), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[StaffRole] = mapped_column(stored_enum(StaffRole), default=StaffRole.VIEWER)
    is_active: Mapped[bool] = mapped_column(default=True)
    last_login_at: Mapped[datetime | None]
