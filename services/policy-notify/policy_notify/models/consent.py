"""Whether a family wants to hear from the scheme, and in which language."""

import uuid
from datetime import datetime

from common.clock import utc_now
from sqlalchemy import String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base


class FamilyConsent(Base):
    """openIMIS's `tblFamilySMS`: one row per family; `validity_to` tells that it ended with it."""

    __tablename__ = "tblFamilySMS"

    family: Mapped[uuid.UUID] = mapped_column("FamilyUUID", Uuid, primary_key=True)
    approval: Mapped[bool] = mapped_column("ApprovalOfSMS", default=False)
    language: Mapped[str] = mapped_column("LanguageOfSMS", String(16))
    validity_from: Mapped[datetime] = mapped_column("ValidityFrom", default=utc_now)
    validity_to: Mapped[datetime | None] = mapped_column("ValidityTo")
