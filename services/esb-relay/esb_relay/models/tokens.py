"""GovESB's access token, shared by all processes."""

import uuid
from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from esb_relay.models.base import Base


class EsbToken(Base):
    """The token of one account at one token server, sealed with a key made of the account's secret.

    Whoever holds the lease fetches the next token; the others wait for `version` to move on.
    """

    __tablename__ = "esb_tokens"

    #: Names the token server, the account and the grant type.
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    sealed: Mapped[str | None] = mapped_column(Text)
    good_until: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[uuid.UUID | None]
