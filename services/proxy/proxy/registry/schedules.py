"""When a polling channel is due: a cron expression in a time zone. Pure.

An expression has five fields (minute, hour, day, month, day of week) or six, of which the first are
the seconds. Five fields are read as Debian's cron reads them, also where clocks change.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from common.errors import Invalid
from cronsim import CronSim, CronSimError

#: Due times that are at most this late are all made, one after the other; of older ones the newest.
MADE_UP = timedelta(seconds=10)
#: After the last due time of a schedule that has one.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The due times, in UTC."""

    expression: str
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """The first due time after `moment`."""
        found = next(CronSim(self.expression, moment.astimezone(self.zone)), None)
        return found.astimezone(UTC) if found else NEVER

    def to_make(self, due: datetime, now: datetime) -> datetime:
        """Which due time is made next, where `due` is the first that was not: what was missed for
        longer than `MADE_UP` is made once, for the newest of them."""
        late = now - MADE_UP
        if due >= late:
            return due
        newest = next(CronSim(self.expression, late.astimezone(self.zone), reverse=True), None)
        return max(due, newest.astimezone(UTC)) if newest else due


def schedule_of(schedule: str, time_zone: str = "UTC") -> Schedule:
    """The schedule of an expression. Raises Invalid."""
    try:
        found = Schedule(" ".join(schedule.split()), ZoneInfo(time_zone))
    except (ValueError, OSError, LookupError) as exc:  # what is no zone may be a folder
        raise _invalid(f"There is no time zone {time_zone!r}") from exc
    try:
        CronSim(found.expression, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as exc:
        raise _invalid(f"This is no cron expression: {exc}") from exc
    return found


def _invalid(reason: str) -> Invalid:
    return Invalid(f"polling: {reason}", {"polling": [reason]})
