"""The base of the relay's tables."""

from common.db.database import TYPES, new_metadata
from common.db.partitions import with_default_partitions
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What all tables of the schema belong to."""

    metadata = with_default_partitions(new_metadata())
    type_annotation_map = TYPES
