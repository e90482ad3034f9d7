"""The scheduled hours, decided by tables."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from policy_notify.config import hours_between, parse_hours
from policy_notify.runs.schedule import day_of, slot_at

DAR = ZoneInfo("Africa/Dar_es_Salaam")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("8", (8,)),
        ("8,12,16", (8, 12, 16)),
        (" 16, 8 ,8", (8, 16)),
        ("8-16", tuple(range(8, 17))),
        ("0-23", tuple(range(24))),
        ("23-23", (23,)),
    ],
)
def test_three_forms_of_the_hour_are_read(text: str, hours: tuple[int, ...]) -> None:
    assert parse_hours(text) == hours


@pytest.mark.parametrize("text", ["24", "x", "8-", "-8", "16-8", "8,,9", "", "8;9", "٨"[:0]])
def test_other_forms_are_rejected(text: str) -> None:
    with pytest.raises(ValueError):
        parse_hours(text)


@pytest.mark.parametrize(
    ("first", "last", "interval", "hours"),
    [(8, 20, 4, (8, 12, 16, 20)), (8, 20, 5, (8, 13, 18)), (8, 8, 4, (8,)), (9, 8, 4, (9,))],
)
def test_trigger_settings_make_hours(
    first: int, last: int, interval: int, hours: tuple[int, ...]
) -> None:
    assert hours_between(first, last, interval) == hours


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-05-10T04:59:59", None),
        ("2026-05-10T05:00:00", "2026-05-10T05:00:00"),
        ("2026-05-10T05:59:59", "2026-05-10T05:00:00"),
        ("2026-05-10T06:00:00", None),
    ],
)
def test_slot_is_an_hour_of_the_schemes_time(now: str, slot: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = slot_at(moment, (8,), DAR)
    assert found == (datetime.fromisoformat(slot).replace(tzinfo=UTC) if slot else None)


@pytest.mark.parametrize(
    ("run_date", "asked", "now", "day"),
    [
        ("2026-05-10", "2026-05-10T05:00", "2026-05-10T05:00", "2026-05-10"),
        ("2026-05-10", "2026-05-09T21:00", "2026-05-10T20:59", "2026-05-10"),
        # It was asked for its own day, and begins or goes on after that.
        ("2026-05-10", "2026-05-10T05:00", "2026-05-10T21:00", "2026-05-11"),
        ("2026-05-10", "2026-05-10T05:00", "2026-06-10T05:00", "2026-06-10"),
        # Another day was asked for on purpose.
        ("2026-05-09", "2026-05-10T05:00", "2026-06-10T05:00", "2026-05-09"),
        ("2026-05-12", "2026-05-10T05:00", "2026-06-10T05:00", "2026-05-12"),
    ],
)
def test_day_that_a_run_is_about(run_date: str, asked: str, now: str, day: str) -> None:
    moments = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (asked, now)]
    assert day_of(date.fromisoformat(run_date), *moments, DAR) == date.fromisoformat(day)
