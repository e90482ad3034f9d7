"""The base of the proxy's tables, and the columns that most of them share."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.database import TYPES, new_metadata
from common.db.partitions import with_default_partitions
from common.ids import new_id
from sqlalchemy import Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables of the schema belong to."""

    metadata = with_default_partitions(new_metadata())
    type_annotation_map = TYPES


class Recorded:
    """A time-ordered id, and when the row was made and last changed."""

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
