"""The hours in which a person does not want to be disturbed. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from `begin` up to `end`, which may lie past midnight, in `zone`."""

    begin: time
    end: time
    zone: ZoneInfo

    def next_moment(self, moment: datetime) -> datetime:
        """`moment`, or the end of the quiet hours that it lies in (UTC)."""
        local = moment.astimezone(self.zone)
        clock, spans_midnight = local.time(), self.begin > self.end
        is_evening = spans_midnight and clock >= self.begin
        is_quiet = is_evening or (clock < self.end and (spans_midnight or clock >= self.begin))
        if not is_quiet:
            return moment
        last_day = local.date() + timedelta(days=is_evening)
        return max(moment, datetime.combine(last_day, self.end, self.zone).astimezone(UTC))
