"""Statistics over the API: counted by hour and day, the same on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.ids import lowest_id_at
from proxy.models import Transaction, TransactionStatus
from proxy.parts import Parts

MIDNIGHT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


def put(parts: Parts, calls: list[tuple[float, str | None, float | None, bool]]) -> None:
    with parts.database.writing() as session:
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
        tuple(
            row[name]
            for name in ("period_start", "channel", "count", "failures", "mean_ms", "p95_ms")
        )
        for row in answer.get_json()["data"]
    ]


def test_calls_are_counted_by_channel_and_hour_newest_first(api: Any, parts: Parts) -> None:
    put(
        parts,
        [
            (59.999, "a", 10, False),
            (60, "a", 20, True),
            (119.99999, "a", 40, False),
            (61, "b", None, False),
            (61, None, 5, False),
        ],
    )

    found = rows(api)

    assert sorted(found, key=str) == sorted(
        [
            ("2026-05-01T01:00:00Z", "a", 2, 1, 30.0, 40.0),
            ("2026-05-01T01:00:00Z", "b", 1, 0, None, None),
            ("2026-05-01T01:00:00Z", None, 1, 0, 5.0, 5.0),
            ("2026-05-01T00:00:00Z", "a", 1, 0, 10.0, 10.0),
        ],
        key=str,
    )
    assert found[-1][0] == "2026-05-01T00:00:00Z"


def test_calls_are_counted_by_day_and_for_one_channel(api: Any, parts: Parts) -> None:
    put(parts, [(0, "a", 10, False), (1439.9, "a", 20, False), (5, "b", 1, False)])

    assert rows(api, by="day", channel="a") == [("2026-05-01T00:00:00Z", "a", 2, 0, 15.0, 20.0)]


@pytest.mark.parametrize(("count", "p95"), [(1, 1), (19, 19), (20, 19), (21, 20), (100, 95)])
def test_p95_is_the_lowest_duration_that_95_of_100_do_not_exceed(
    api: Any, parts: Parts, count: int, p95: int
) -> None:
    put(parts, [(1, "a", float(number), False) for number in range(count, 0, -1)])
    put(parts, [(2, "a", None, False)])

    assert rows(api)[0][2:] == (count + 1, 0, (count + 1) / 2, float(p95))


def test_default_span_ends_now(api: Any, parts: Parts) -> None:
    put(parts, [(1, "a", 1, False)])

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
