"""Whether a family wants to hear from the scheme, and in which language."""

import uuid
from datetime import datetime

from common.clock import utc_now
from common.db.revisions import Revised
from common.db.sealed_types import SearchableText
from sqlalchemy import String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from policy_notify.models.base import Base
from policy_notify.models.purposes import CHF_ID


class FamilyConsent(Revised, Base):
    """openIMIS's `tblFamilySMS`: one row per family; `validity_to` tells that it ended with it."""

    __tablename__ = "tblFamilySMS"

    family: Mapped[uuid.UUID] = mapped_column("FamilyUUID", Uuid, primary_key=True)
    approval: Mapped[bool] = mapped_column("ApprovalOfSMS", default=False)
    language: Mapped[str] = mapped_column("LanguageOfSMS", String(16))
    validity_from: Mapped[datetime] = mapped_column("ValidityFrom", default=utc_now)
    validity_to: Mapped[datetime | None] = mapped_column("ValidityTo")


class WaitingConsent(Base):
    """A consent that names its family by the head's CHF id, and came before both."""

    __tablename__ = "waiting_consents"

    chf_id: Mapped[str] = mapped_column(SearchableText(CHF_ID), primary_key=True)
    approval: Mapped[bool | None]
    language: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
