"""Statistics over the API: by hour and day, rolled up or not, the same on both databases."""

import math
import threading
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import lowest_id_at
from proxy.container import Container
from proxy.models import HourlyRollup, Transaction, TransactionStatus
from proxy.retention import keep_bounded
from proxy.statistics.counting import counted_by_client
from proxy.statistics.rollup_job import note_changes, roll_up_past_hours
from proxy.statistics.rollups import COUNTS, EDGES_MS, Rollup, packed
from sqlalchemy import delete, select, update

MIDNIGHT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


def put(container: Container, calls: list[tuple[float, str | None, float | None, bool]]) -> None:
    with container.database.writing() as session:
        for number, (minute, channel, duration_ms, failed) in enumerate(calls):
            started_at = MIDNIGHT + timedelta(minutes=minute, microseconds=number)
            base = lowest_id_at(started_at).int
            session.add(
                Transaction(
                    correlation_id=type(lowest_id_at(started_at))(int=base + number),
                    channel_name=channel,
                    client_name="clinic",
                    client_address="192.0.2.7",
                    status=TransactionStatus.FAILED if failed else TransactionStatus.SUCCESSFUL,
                    request_method="GET",
                    request_url="/",
                    request_headers={},
                    request_body="",
                    request_body_whole=True,
                    started_at=started_at,
                    duration_ms=duration_ms,
                )
            )


def rows(api: Any, **query: str) -> list[tuple[Any, ...]]:
    answer = api.get("metrics/", **{**DAY, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [
        (
            *(row[name] for name in ("period_start", "channel", "count", "failures", "mean_ms")),
            row["p95_ms"] and pytest.approx(row["p95_ms"], rel=0.05),
        )
        for row in answer.get_json()["data"]
    ]


def test_calls_are_counted_by_channel_and_hour_newest_first(api: Any, container: Container) -> None:
    put(
        container,
        [
            (59.999, "a", 10, False),
            (60, "a", 20, True),
            (119.99999, "a", 40, False),
            (61, "b", None, False),
            (61, None, 5, False),
        ],
    )

    assert rows(api) == [
        ("2026-05-01T01:00:00Z", None, 1, 0, 5.0, 5.0),
        ("2026-05-01T01:00:00Z", "a", 2, 1, 30.0, 40.0),
        ("2026-05-01T01:00:00Z", "b", 1, 0, None, None),
        ("2026-05-01T00:00:00Z", "a", 1, 0, 10.0, 10.0),
    ]


def test_calls_are_counted_by_day_and_for_one_channel(api: Any, container: Container) -> None:
    put(container, [(0, "a", 10, False), (1439.9, "a", 20, False), (5, "b", 1, False)])

    assert rows(api, by="day", channel="a") == [("2026-05-01T00:00:00Z", "a", 2, 0, 15.0, 20.0)]


@pytest.mark.parametrize(("count", "p95"), [(1, 1), (19, 19), (20, 19), (21, 20), (100, 95)])
def test_p95_is_the_lowest_duration_that_95_of_100_do_not_exceed(
    api: Any, container: Container, count: int, p95: int
) -> None:
    put(container, [(1, "a", float(number), False) for number in range(count, 0, -1)])
    put(container, [(2, "a", None, False)])

    assert rows(api)[0][2:] == (count + 1, 0, (count + 1) / 2, float(p95))


def test_duration_counts_below_the_lowest_edge_above_it(container: Container) -> None:
    took = [ms for edge in EDGES_MS for ms in (math.nextafter(edge, 0), edge)]
    put(container, [(1, "a", ms, False) for ms in (*took, 0.0, 1e9)])
    put(container, [(2, "a", None, False)])
    expected = Counter(bisect_right(EDGES_MS, ms) for ms in (*took, 0.0, 1e9))

    with container.database.reading() as session:
        (found,) = counted_by_client(session, MIDNIGHT).values()
    counts = COUNTS.unpack(packed(found.durations))
    assert found.calls == len(took) + 3
    assert dict(enumerate(counts)) == {at: expected[at] for at in range(len(EDGES_MS) + 1)}


CALLS = [
    (minute, "ab"[minute % 2], None if minute % 7 == 0 else 0.05 * 1.1**minute, minute % 5 == 0)
    for minute in range(0, 300, 3)
]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"by": "day"},
        {"by": "day", "channel": "a"},
        {"since": "2026-05-01T00:31:00Z", "until": "2026-05-01T03:30:00Z"},
        {"since": "2026-05-01T01:10:00Z", "until": "2026-05-01T01:40:00Z"},
        {"since": "2026-05-01T01:00:00Z", "until": "2026-05-01T01:00:01Z"},
    ],
)
def test_tallied_hours_are_counted_as_the_record_is(
    api: Any, container: Container, query: dict[str, str]
) -> None:
    put(container, CALLS)
    on_record = api.get("metrics/", **{**DAY, **query}).get_json()["data"]

    assert roll_up_past_hours(container.database, MIDNIGHT + timedelta(hours=4, minutes=5)) == 4
    rolled_up = api.get("metrics/", **{**DAY, **query}).get_json()["data"]

    assert [{**one, "mean_ms": pytest.approx(one["mean_ms"])} for one in on_record] == rolled_up


def test_tallied_hours_need_no_record(api: Any, container: Container) -> None:
    put(container, [(1, "a", 10, True), (61, "a", 30, False)])
    roll_up_past_hours(container.database, MIDNIGHT + timedelta(hours=1, minutes=5))
    with container.database.writing() as session:
        session.execute(delete(Transaction))

    assert rows(api) == [("2026-05-01T00:00:00Z", "a", 1, 1, 10.0, 10.0)]


def test_hour_is_tallied_once_it_is_over_for_a_while(container: Container) -> None:
    put(container, [(1, "a", 10, False)])
    just_over = MIDNIGHT + timedelta(hours=1)

    assert roll_up_past_hours(container.database, just_over + timedelta(minutes=4)) == 0
    assert roll_up_past_hours(container.database, just_over + timedelta(minutes=5)) == 1
    assert roll_up_past_hours(container.database, just_over + timedelta(days=9)) == 0


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_hour_with_an_open_call_waits_for_its_end(
    api: Any, container: Container, status: str
) -> None:
    put(container, [(minute, "a", 10, False) for minute in (1, 61, 121)])
    in_second_hour = update(Transaction).where(
        Transaction.started_at.between(
            MIDNIGHT + timedelta(minutes=61), MIDNIGHT + timedelta(minutes=62)
        )
    )
    with container.database.writing() as session:
        session.execute(in_second_hour.values(status=status))
    much_later = MIDNIGHT + timedelta(days=1)
    assert roll_up_past_hours(container.database, much_later) == 1

    with container.database.writing() as session:
        session.execute(in_second_hour.values(status="failed"))
    assert roll_up_past_hours(container.database, much_later) == 2
    assert [failures for _, _, _, failures, *_ in rows(api)] == [0, 1, 0]


def test_two_workers_count_no_call_twice(api: Any, container: Container) -> None:
    put(container, CALLS)
    both = threading.Barrier(2)

    def roll_up() -> None:
        both.wait()
        roll_up_past_hours(container.database, MIDNIGHT + timedelta(days=1))

    workers = [threading.Thread(target=roll_up) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(row[2] for row in rows(api)) == len(CALLS)


def test_hours_of_the_past_whose_calls_came_later_are_summed_up(
    api: Any, container: Container
) -> None:
    put(container, [(121, "a", 10, False)])
    roll_up_past_hours(container.database, MIDNIGHT + timedelta(days=1))

    put(container, [(1, "a", 10, False), (2, "a", 10, False)])
    with container.database.writing() as session:
        note_changes(session, [MIDNIGHT + timedelta(minutes=at) for at in (1, 2)])

    assert roll_up_past_hours(container.database, MIDNIGHT + timedelta(days=1)) == 1
    assert [row[2] for row in rows(api)] == [1, 2]


def test_rollups_are_kept_as_long_as_the_record(container: Container) -> None:
    kept_for = timedelta(days=container.settings.transaction_retention_days)
    old, young = (utc_now() - kept_for + timedelta(hours=by) for by in (-1, 1))
    with container.database.writing() as session:
        for hour in (old, young):
            nothing = packed(Rollup().durations)
            session.add(
                HourlyRollup(
                    hour=hour, channel_name="a", calls=0, failures=0, total_ms=0, durations=nothing
                )
            )

    assert keep_bounded(container.database, container.settings)["hourly_rollups"] == 1
    with container.database.reading() as session:
        assert session.scalars(select(HourlyRollup.hour)).all() == [young]


def test_default_span_ends_now(api: Any, container: Container) -> None:
    put(container, [(1, "a", 1, False)])

    assert api.get("metrics/").get_json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-05-02T00:00:00Z"},
        {"since": "2026-01-01T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z", "by": "day"},
        {"since": "2999-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"},
        {"by": "minute"},
    ],
)
def test_span_that_is_empty_or_too_long_is_refused(api: Any, query: dict[str, str]) -> None:
    assert api.get("metrics/", **{**DAY, **query}).status_code == 422


def test_span_at_the_beginning_of_time_is_answered(api: Any) -> None:
    assert api.get("metrics/", until="0001-01-01T00:00:01Z").status_code == 200
