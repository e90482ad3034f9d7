"""Callers' idempotency keys, and what was said under each."""

from datetime import datetime

from common.db.sealed_types import SearchableText
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base

#: Event, rule, person and channel follow it in the keys of the messages.
REQUEST_KEY_CHARS = 200


class EmissionKey(Base):
    """A key that messages were queued under; it is forgotten with them."""

    __tablename__ = "emission_key"

    key: Mapped[str] = mapped_column(SearchableText(b"emission key "), primary_key=True)
    #: SHA-256 of the content, in hexadecimal digits.
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(index=True)
