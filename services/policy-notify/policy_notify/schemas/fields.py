"""Fields that several of this service's schemas share."""

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

import marshmallow as ma
from common.fields import Moment


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class MomentOrDay(Moment):
    """A time in RFC 3339; a plain date means its first moment in UTC.

    It is a day in every time zone, so the first and the last year of the calendar are refused.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) == len("2026-01-31"):
            value = f"{value}T00:00:00Z"
        moment: datetime = super()._deserialize(value, *args, **kwargs)
        if not MINYEAR < moment.year < MAXYEAR:
            raise ma.ValidationError("Must be within the years 2 to 9998.")
        return moment


class Amount(ma.fields.Decimal):
    """An amount of money, not below zero, with at most two decimals; text on the way in is fine."""

    MAX = 10**16

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, allow_nan=False, as_string=True, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):
            raise self.make_error("invalid", input=value)
        amount = super()._deserialize(value, *args, **kwargs)
        if not 0 <= amount < self.MAX:
            raise ma.ValidationError("Must be an amount from 0 to below 10^16.")
        return str(amount)
