"""Fields of the records: days, times and amounts as other systems write them."""

import enum
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.texts import _
from common.web.fields import Moment

from policy_notify.intake.reading import current_reading


class MomentOrDay(Moment):
    """A time in RFC 3339; one without a zone, or a plain date, is in the scheme's own.

    It is a day in every time zone, so the first and the last year of the calendar are rejected.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        moment: datetime = super()._deserialize(_with_zone(value), *args, **kwargs)
        if not MINYEAR < moment.year < MAXYEAR:
            raise ma.ValidationError(_("Must be within the years 2 to 9998."))
        return moment


def _with_zone(value: Any) -> Any:
    """The text of a time with its zone; what is no time is left as it is."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None or not MINYEAR < moment.year < MAXYEAR:
            return value
        return moment.replace(tzinfo=current_reading().zone).isoformat()
    except (ValueError, TypeError):
        return value


class Day(ma.fields.Date):
    """A day of somebody's lifetime; another calendar's year is rejected with a hint."""

    FIRST = date(1900, 1, 1)
    YEARS_AHEAD = 30

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        day = self._day(value, *args, **kwargs)
        if day < self.FIRST or day.year > utc_now().year + self.YEARS_AHEAD:
            raise ma.ValidationError(
                _(
                    "Must be a day from 1900 to %(year)s of the Gregorian calendar: "
                    "is it a Nepali (Bikram Sambat) date?",
                    year=utc_now().year + self.YEARS_AHEAD,
                )
            )
        return day

    def _day(self, value: Any, *args: Any, **kwargs: Any) -> date:
        form = current_reading().date_format
        try:
            if form is not None and isinstance(value, str):
                return datetime.strptime(value, form).date()  # noqa: DTZ007 - a day has no zone
            day: date = super()._deserialize(value, *args, **kwargs)
        except (ValueError, ma.ValidationError) as exc:
            wanted = form or "%Y-%m-%d, as 2026-12-31"
            raise ma.ValidationError(
                _("Not a valid date in the format %(wanted)s.", wanted=wanted)
            ) from exc
        return day


class Coded(ma.fields.Enum[enum.StrEnum]):
    """One of our words, or another system's code for it."""

    def __init__(self, words: type[enum.StrEnum], codes: Mapping[Any, Any], **kwargs: Any) -> None:
        super().__init__(words, by_value=ma.fields.String, **kwargs)
        self._codes = codes

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool) and isinstance(value, int | str) and value in self._codes:
            return self._codes[value]
        return super()._deserialize(value, *args, **kwargs)


class Amount(ma.fields.Decimal):
    """An amount of money, not below zero, with at most two decimals; text on the way in is fine."""

    MAX = 10**16

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", **kwargs.get("metadata", {})}
        super().__init__(places=2, allow_nan=False, as_string=True, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):
            raise self.make_error("invalid", input=value)
        amount = super()._deserialize(value, *args, **kwargs)
        if not 0 <= amount < self.MAX:
            raise ma.ValidationError(_("Must be an amount from 0 to below 10^16."))
        return str(amount)
