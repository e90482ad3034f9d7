"""What SMS cost: counted as they are taken, by event, provider and month."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from notification.models.base import Base
from notification.models.lookups import CODE_CHARS
from notification.models.outbox import PROVIDER_CHARS

#: Costs are whole numbers of this part of the currency's unit.
PARTS_OF_UNIT = 10_000


class SmsCost(Base):
    """A month's SMS of an event over a provider; it outlives the messages."""

    __tablename__ = "sms_cost"

    #: `2026-11`, in UTC.
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    event_code: Mapped[str] = mapped_column(String(CODE_CHARS), primary_key=True)
    provider: Mapped[str] = mapped_column(String(PROVIDER_CHARS), primary_key=True)
    messages: Mapped[int] = mapped_column(BigInteger)
    #: Of all numbers that a message went to.
    segments: Mapped[int] = mapped_column(BigInteger)
    #: In ten-thousandths of the currency's unit, at the prices that held.
    cost: Mapped[int] = mapped_column(BigInteger)
