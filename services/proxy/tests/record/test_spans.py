"""Spans of time by their names, in a zone, over changes of its clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from proxy.record.spans import When, span_of

DAR = ZoneInfo("Africa/Dar_es_Salaam")  # three hours ahead of UTC
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


#: A Wednesday in UTC, and already Thursday, half past one, in the zone.
NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "since", "until"),
    [
        (When.THIS_HOUR, "2026-11-25T22:00", "2026-11-25T23:00"),
        (When.THIS_HOUR_LAST_WEEK, "2026-11-18T22:00", "2026-11-18T23:00"),
        (When.TODAY, "2026-11-25T21:00", "2026-11-26T21:00"),
        (When.YESTERDAY, "2026-11-24T21:00", "2026-11-25T21:00"),
        (When.THIS_WEEK, "2026-11-22T21:00", "2026-11-29T21:00"),
        (When.LAST_WEEK, "2026-11-15T21:00", "2026-11-22T21:00"),
    ],
)
def test_days_and_weeks_are_those_of_the_zone(when: When, since: str, until: str) -> None:
    assert span_of(when, NOW, DAR) == (at(since), at(until))


def test_day_on_which_clocks_go_back_has_25_hours() -> None:
    since, until = span_of(When.YESTERDAY, datetime(2026, 10, 26, 12, tzinfo=UTC), BERLIN)

    assert (since, until) == (at("2026-10-24T22:00"), at("2026-10-25T23:00"))


def test_hours_of_a_zone_with_half_an_hour_begin_when_its_clocks_say_so() -> None:
    since, until = span_of(When.THIS_HOUR, NOW, ZoneInfo("Asia/Kolkata"))  # 04:00 there

    assert (since, until) == (at("2026-11-25T22:30"), at("2026-11-25T23:30"))
