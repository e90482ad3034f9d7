"""Spans of time as people name them; days and weeks are those of a time zone. Pure."""

import enum
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


class When(enum.StrEnum):
    """A span of time, as seen from now. Weeks begin on Mondays."""

    THIS_HOUR = "this_hour"
    THIS_HOUR_LAST_WEEK = "this_hour_last_week"
    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"


def span_of(when: When, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Its first moment, and the first one after it."""
    if when in (When.THIS_HOUR, When.THIS_HOUR_LAST_WEEK):
        began = _hour(now, zone) - (_WEEK if when is When.THIS_HOUR_LAST_WEEK else timedelta())
        return began, began + _HOUR
    today = now.astimezone(zone).date()
    monday = today - _DAY * today.weekday()
    first, length = {
        When.TODAY: (today, _DAY),
        When.YESTERDAY: (today - _DAY, _DAY),
        When.THIS_WEEK: (monday, _WEEK),
        When.LAST_WEEK: (monday - _WEEK, _WEEK),
    }[when]
    began, ended = (
        datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, first + length)
    )
    return began.astimezone(now.tzinfo), ended.astimezone(now.tzinfo)


def _hour(now: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of the zone showed the full hour last."""
    local = now.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return now - past
