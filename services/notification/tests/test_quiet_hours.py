"""Quiet hours: a table of evenings, and what holds for all of them."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notification.emit.quiet_hours import QuietHours

DAR = ZoneInfo("Africa/Dar_es_Salaam")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(21), time(6, 30), DAR)
NOON = QuietHours(time(12), time(14), DAR)


def at(day: int, clock: str, zone: ZoneInfo = DAR) -> datetime:
    return datetime.combine(date(2026, 5, day), time.fromisoformat(clock), zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "moment", "expected"),
    [
        (NIGHT, at(10, "20:59:59"), at(10, "20:59:59")),
        (NIGHT, at(10, "21:00"), at(11, "06:30")),
        (NIGHT, at(10, "23:59:59"), at(11, "06:30")),
        (NIGHT, at(11, "00:00"), at(11, "06:30")),
        (NIGHT, at(11, "06:29:59"), at(11, "06:30")),
        (NIGHT, at(11, "06:30"), at(11, "06:30")),
        (NOON, at(10, "11:59"), at(10, "11:59")),
        (NOON, at(10, "12:00"), at(10, "14:00")),
        (NOON, at(10, "14:00"), at(10, "14:00")),
        (NOON, at(10, "23:00"), at(10, "23:00")),
    ],
)
def test_moment_moves_to_the_end_of_the_quiet_hours_it_lies_in(
    quiet: QuietHours, moment: datetime, expected: datetime
) -> None:
    assert quiet.next_moment(moment) == expected


def test_end_is_by_the_clock_on_the_wall_when_that_is_put_forward() -> None:
    quiet = QuietHours(time(22), time(7), BERLIN)
    saturday = datetime(2026, 3, 28, 22, 30, tzinfo=BERLIN).astimezone(UTC)

    assert quiet.next_moment(saturday) == datetime(2026, 3, 29, 5, tzinfo=UTC)


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
ZONES = st.sampled_from([DAR, BERLIN, ZoneInfo("Pacific/Apia"), ZoneInfo("America/St_Johns")])
MOMENTS = st.integers(946_684_800, 2_114_380_800).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(CLOCKS, CLOCKS, ZONES, MOMENTS)
def test_a_message_waits_less_than_a_day_and_an_hour_and_never_goes_back(
    begin: time, end: time, zone: ZoneInfo, moment: datetime
) -> None:
    later = QuietHours(begin, end, zone).next_moment(moment)

    assert 0 <= (later - moment).total_seconds() <= 25 * 3600
