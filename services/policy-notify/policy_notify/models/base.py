"""The base of this service's tables."""

from common.db.database import TYPES, new_metadata
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What all tables of the schema belong to."""

    metadata = new_metadata()
    type_annotation_map = TYPES
