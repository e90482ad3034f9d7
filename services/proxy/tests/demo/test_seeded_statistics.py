"""What is summed up of the past outlives `seed-demo`, which every start may run."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from common.clock import utc_now
from flask import Flask
from proxy.container import Container
from proxy.models import DailyRollup, HourlyRollup, Transaction
from proxy.statistics.rollup_job import roll_up_past_hours
from proxy.statistics.rollups import Rollup, packed, rolled_up_until
from sqlalchemy import func, select

LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)

Seed = Callable[..., None]


@pytest.fixture
def seed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Seed:
    """`seed-demo` with some arguments."""
    monkeypatch.setenv("DEMO_CLIENT_SECRET", "long enough to be one")

    def run(*arguments: str) -> None:
        with app.app_context():
            done = app.test_cli_runner().invoke(args=["seed-demo", *arguments])
        assert done.exit_code == 0, done.output

    return run


def put_rollups(container: Container) -> None:
    """An hour and its day, of calls that are not on record any more."""
    counts: dict[str, Any] = {"calls": 7, "failures": 1, "total_ms": 70.0}
    counts |= {"channel_name": "Short-lived", "durations": packed(Rollup().durations)}
    with container.database.writing() as session:
        session.add(HourlyRollup(hour=LONG_AGO, **counts))
        session.add(DailyRollup(day=LONG_AGO, until=LONG_AGO, **counts))


def summed_up(container: Container) -> tuple[int, int]:
    """The calls of all hours that are summed up: by the hours, and on record."""
    with container.database.reading() as session:
        until = rolled_up_until(session) or LONG_AGO
        on_record = select(func.count()).where(Transaction.started_at < until)
        stored = session.scalar(select(func.sum(HourlyRollup.calls))) or 0
        return stored, session.scalar(on_record) or 0


def test_rollups_are_left_alone(seed: Seed, container: Container) -> None:
    put_rollups(container)
    seed()
    roll_up_past_hours(container.database, utc_now())
    with container.database.reading() as session:
        assert session.scalars(select(HourlyRollup.calls)).all() == [7]
        assert session.scalars(select(DailyRollup.calls)).all() == [7]


def test_calls_of_hours_that_are_summed_up_are_counted(seed: Seed, container: Container) -> None:
    for times in (1, 2):
        seed("--transactions-per-channel", "200")
        roll_up_past_hours(container.database, utc_now())
        stored, on_record = summed_up(container)
        assert stored == on_record > 200 * times


def test_calls_that_are_removed_are_not_counted_any_more(seed: Seed, container: Container) -> None:
    seed("--transactions-per-channel", "200")
    roll_up_past_hours(container.database, utc_now())
    seed("--reset")
    roll_up_past_hours(container.database, utc_now())
    assert summed_up(container) == (0, 0)
