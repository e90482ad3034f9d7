"""When a polling channel is due, by tables."""

from datetime import UTC, datetime

import pytest
from common.errors import Invalid
from proxy.registry.schedules import MADE_UP, schedule_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "due"),
    [
        ("*/5 * * * *", "UTC", "2026-05-01T12:00:00", "2026-05-01T12:05:00"),
        ("  */5  * * * * ", "UTC", "2026-05-01T12:04:59.9", "2026-05-01T12:05:00"),
        ("* * * * * *", "UTC", "2026-05-01T12:00:00.2", "2026-05-01T12:00:01"),
        ("*/20 * * * * *", "UTC", "2026-05-01T12:00:41", "2026-05-01T12:01:00"),
        ("0 2 * * *", "Africa/Dar_es_Salaam", "2026-05-01T12:00:00", "2026-05-01T23:00:00"),
        ("0 8 * * mon-fri", "UTC", "2026-05-01T12:00:00", "2026-05-04T08:00:00"),
        # Clocks go forward over 02:30 and back over it: once each, as Debian's cron does it.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T01:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_next_due_time(expression: str, zone: str, moment: str, due: str) -> None:
    assert schedule_of(expression, zone).after(at(moment)) == at(due)


@pytest.mark.parametrize(
    ("expression", "due", "now", "made"),
    [
        # In time, or a little late: that one, and the others after it.
        ("* * * * * *", "2026-05-01T12:00:00", "2026-05-01T12:00:00.1", "2026-05-01T12:00:00"),
        ("* * * * * *", "2026-05-01T12:00:00", "2026-05-01T12:00:10", "2026-05-01T12:00:00"),
        # Everything stood still for an hour, a day, a year: the newest of what is older.
        ("* * * * * *", "2026-05-01T12:00:00", "2026-05-01T13:00:00.5", "2026-05-01T12:59:50"),
        ("0 2 * * *", "2026-05-01T02:00:00", "2026-05-01T09:00:00", "2026-05-01T02:00:00"),
        ("0 2 * * *", "2026-05-01T02:00:00", "2026-05-03T09:00:00", "2026-05-03T02:00:00"),
        ("* * * * * *", "2026-05-01T12:00:00", "2027-05-01T12:00:00.5", "2027-05-01T11:59:50"),
    ],
)
def test_missed_due_times_are_made_up_once(expression: str, due: str, now: str, made: str) -> None:
    assert schedule_of(expression).to_make(at(due), at(now)) == at(made)


def test_no_burst_follows_a_pause() -> None:
    schedule, due, now = schedule_of("* * * * * *"), at("2026-05-01T12:00:00"), at("2026-05-02")
    made = []
    while due <= now:
        due = schedule.to_make(due, now)
        made.append(due)
        due = schedule.after(due)
    assert len(made) == MADE_UP.total_seconds() + 2
    assert made[-1] == now


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "5 minutes",
        "@daily",
        "*/0 * * * *",
        "a b c d e",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(Invalid, match="cron"):
        schedule_of(expression)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "Europe", "\x00"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="zone"):
        schedule_of("* * * * *", zone)
