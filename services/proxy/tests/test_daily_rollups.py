"""Days are what their hours add up to: whatever is asked, it is answered as by the hours alone."""

import uuid
from collections.abc import Sequence
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import lowest_id_at
from proxy.container import Container
from proxy.models import DailyClientRollup, DailyRollup, Transaction, TransactionStatus
from proxy.retention import keep_bounded
from proxy.statistics.daily_rollups import sum_up_day, sum_up_days
from proxy.statistics.error_kinds import ErrorKind, error_kinds
from proxy.statistics.rollup_job import note_changes, roll_up_past_hours
from proxy.statistics.rollups import Rollup, packed
from proxy.statistics.service_levels import (
    By,
    ServiceLevel,
    question,
    service_levels,
    timeline,
)
from proxy.statistics.stored import ALL, on_the_day
from proxy.statistics.summary import Period, per_channel
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

FIRST = datetime(2026, 5, 1, 20, tzinfo=UTC)
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
#: Every four hours; the last one's hour is not over.
HOURS = [FIRST + timedelta(hours=4 * number, minutes=30) for number in range(17)]


@pytest.fixture
def calls(container: Container) -> None:
    """Some days' calls, every third failed, summed up."""
    with container.database.writing() as session:
        session.add_all(_call(number, at) for number, at in enumerate(HOURS))
    assert roll_up_past_hours(container.database, NOW) == len(HOURS) - 1


def _call(number: int, at: datetime) -> Transaction:
    failed = number % 3 == 0
    return Transaction(
        correlation_id=uuid.UUID(int=lowest_id_at(at).int + number),
        channel_name=None if number % 7 == 0 else "ab"[number % 2],
        client_name=("clinic", "lab")[number % 5 == 0],
        client_address="",
        status=TransactionStatus.FAILED if failed else TransactionStatus.SUCCESSFUL,
        request_method="GET",
        request_url="/",
        request_headers={},
        request_body="",
        request_body_whole=True,
        error_message="Gone" if number < 9 and failed else "Lost 7" if failed else None,
        started_at=at,
        match_ms=1.0,
        store_ms=2.0,
        upstream_ms=3.0,
        duration_ms=None if number % 11 == 0 else 3.0**number,
    )


def report(session: Session, **asked: Any) -> Sequence[ServiceLevel]:
    return service_levels(session, question(session, **asked)).data


def answers(container: Container, since: datetime, until: datetime) -> list[Any]:
    """All that is read of rollups, of a span."""
    with container.database.reading() as session:
        span: dict[str, Any] = {"since": since, "until": until, "now": NOW}
        reports = [report(session, **span, by=by) for by in By]
        clinic = report(session, **span, client="clinic", channel="a", channels={"a", "c"})
        return [
            *reports,
            clinic,
            timeline(session, question(session, **span, client="clinic")),
            per_channel(session, Period.DAY, since, until),
            error_kinds(session, since, until, NOW),
        ]


SPANS = [
    (FIRST, NOW),
    (FIRST + timedelta(hours=4), on_the_day(NOW)),
    (FIRST + timedelta(hours=9), NOW - timedelta(hours=4)),
    (FIRST + timedelta(hours=30), FIRST + timedelta(hours=35)),
    (on_the_day(NOW), NOW),
    (FIRST - timedelta(days=3), FIRST - timedelta(days=2)),
]


@pytest.mark.usefixtures("calls")
def test_days_say_what_their_hours_say(container: Container) -> None:
    by_days = [answers(container, *span) for span in SPANS]
    with container.database.writing() as session:
        for tables in ALL:
            assert session.scalar(select(func.count(tables.daily.day.distinct()))) == 4
            session.execute(delete(tables.daily))
    assert answers(container, *SPANS[0])[0]
    for span, found in zip(SPANS, by_days, strict=True):
        for one, other in zip(found, answers(container, *span), strict=True):
            assert rounded(one) == rounded(other)


def rounded(found: Any) -> Any:
    """The same with numbers that can be compared whatever they were added up in the order of."""
    if isinstance(found, float):
        return float(f"{found:.9g}")
    if isinstance(found, list | tuple):
        return [rounded(one) for one in found]
    return rounded(list(vars(found).values())) if is_dataclass(found) else found


@pytest.mark.usefixtures("calls")
def test_days_are_read_and_not_their_hours(container: Container) -> None:
    with container.database.writing() as session:
        for tables in ALL:
            session.execute(delete(tables.hourly).where(tables.hourly.hour < on_the_day(NOW)))
        whole = report(session, since=on_the_day(FIRST), until=NOW, now=NOW, by=By.CHANNEL)
    assert sum(one.count for one in whole) == len(HOURS) - 1


@pytest.mark.usefixtures("calls")
def test_hours_of_a_former_version_are_summed_up_once(container: Container) -> None:
    with container.database.writing() as session:
        for tables in ALL:
            session.execute(delete(tables.daily))

    roll_up_past_hours(container.database, NOW)
    assert sum_up_days(container.database) == 0
    with container.database.reading() as session:
        assert session.scalar(select(func.sum(DailyClientRollup.calls))) == len(HOURS) - 1


@pytest.mark.usefixtures("calls")
def test_call_that_changes_later_is_counted_as_it_is_now(container: Container) -> None:
    at = HOURS[6]
    before = failed_of(container)
    with container.database.writing() as session:
        call = session.scalars(select(Transaction).where(Transaction.started_at == at)).one()
        call.status = TransactionStatus.COMPLETED
        note_changes(session, [call.started_at])

    assert roll_up_past_hours(container.database, NOW) == 1
    assert roll_up_past_hours(container.database, NOW) == 0
    assert failed_of(container) == before - 1


def failed_of(container: Container) -> int:
    with container.database.reading() as session:
        found = report(session, since=FIRST, until=NOW, now=NOW, by=By.STATUS)
        return sum(one.failures for one in found)


@pytest.mark.usefixtures("calls")
def test_worker_that_was_slower_leaves_what_another_has(container: Container) -> None:
    with container.database.writing() as session:
        sum_up_day(session, on_the_day(NOW), on_the_day(NOW) + timedelta(hours=2))
        whole = report(session, since=on_the_day(NOW), until=NOW, now=NOW, by=By.CHANNEL)
    assert sum(one.count for one in whole) == 3


@pytest.mark.usefixtures("calls")
def test_error_kind_of_an_earlier_day_is_not_new(container: Container) -> None:
    with container.database.reading() as session:
        _, found = error_kinds(session, on_the_day(FIRST), on_the_day(NOW), NOW)
        _, later = error_kinds(session, on_the_day(NOW), NOW, NOW)
    assert all(one.is_new for one in found)
    assert [one.kind for one in later if one.is_new] == []
    assert isinstance(later[0], ErrorKind)


def test_days_are_kept_as_long_as_the_record(container: Container) -> None:
    kept_for = timedelta(days=container.settings.transaction_retention_days)
    edge = on_the_day(utc_now() - kept_for)
    nothing = packed(Rollup().durations)
    with container.database.writing() as session:
        for day in (edge - timedelta(days=2), edge):
            counts = {"calls": 0, "failures": 0, "total_ms": 0, "durations": nothing}
            session.add(DailyRollup(day=day, until=day, channel_name="a", **counts))

    assert keep_bounded(container.database, container.settings)["daily_rollups"] == 1
    with container.database.reading() as session:
        assert session.scalars(select(DailyRollup.day)).all() == [edge]
