"""When runs begin, and which day they are about: hours and days in the scheme's time. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from common.errors import Invalid
from common.texts import _

#: Days that a run may be about: all that windows of some years around them can be reckoned for.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


def slot_at(now: datetime, hours: tuple[int, ...], zone: ZoneInfo) -> datetime | None:
    """The scheduled hour that `now` lies in; None outside of all.

    A slot lasts one hour: a worker that comes later leaves it out, so that nobody is woken at
    night; the next slot catches up what was missed.
    """
    local = now.astimezone(zone)
    slot = local.replace(minute=0, second=0, microsecond=0)
    return slot.astimezone(now.tzinfo) if slot.hour in hours else None


def checked_day(day: date) -> date:
    """The day that a run is asked for. Raises Invalid."""
    if not FIRST_DAY <= day <= LAST_DAY:
        reason = _(
            "Not a day from %(first_day)s to %(last_day)s.", first_day=FIRST_DAY, last_day=LAST_DAY
        )
        raise Invalid(f"date: {reason}", {"date": [reason]})
    return day


def day_of(run_date: date, asked_at: datetime, now: datetime, zone: ZoneInfo) -> date:
    """The day that a run is about when it is carried out `now`.

    One that was asked for the day it was asked on is about today, however late it begins or goes
    on: nothing is sent as of a day that is over. Another day was asked for on purpose.
    """
    if run_date != asked_at.astimezone(zone).date():
        return run_date
    return max(run_date, now.astimezone(zone).date())
