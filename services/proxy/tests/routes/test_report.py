"""The service-level report: from what was summed up, by channel and client."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.ids import lowest_id_at
from one_database import on_one_database
from proxy.container import Container
from proxy.models import Transaction, TransactionStatus
from proxy.statistics.rollup_job import roll_up_past_hours
from proxy.statistics.rollups import EDGES_MS, Rollup
from proxy.statistics.service_levels import share_within
from sqlalchemy import delete

MIDNIGHT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
CALLS = [
    # minute, channel, client, duration, failed
    (1, "a", "clinic", 100.0, False),
    (2, "a", "clinic", 300.0, False),
    (61, "a", "clinic", 2000.0, True),
    (62, "a", "lab", 50.0, False),
    (63, "b", "lab", None, True),
    (64, None, "", 5.0, True),
]


@pytest.fixture
def counted(container: Container) -> None:
    """The calls, summed up and gone."""
    with container.database.writing() as session:
        for minute, channel, client, duration_ms, failed in CALLS:
            started_at = MIDNIGHT + timedelta(minutes=minute)
            stages = {} if duration_ms is None else {"match_ms": 1.0, "store_ms": 3.0}
            session.add(
                Transaction(
                    correlation_id=uuid.UUID(int=lowest_id_at(started_at).int),
                    channel_name=channel,
                    client_name=client,
                    client_address="",
                    status=TransactionStatus.FAILED if failed else TransactionStatus.SUCCESSFUL,
                    request_method="GET",
                    request_url="/",
                    request_headers={},
                    request_body="",
                    request_body_whole=True,
                    started_at=started_at,
                    duration_ms=duration_ms,
                    upstream_ms=duration_ms and duration_ms - 4.0,
                    **stages,
                )
            )
    assert roll_up_past_hours(container.database, MIDNIGHT + timedelta(days=1)) == 2
    with container.database.writing() as session:
        session.execute(delete(Transaction))


@pytest.mark.usefixtures("counted")
def test_each_client_on_each_channel_has_its_level(api: Any) -> None:
    answer = api.get("report/", **DAY, target_ms=1000).get_json()
    clinic, *others = answer["data"]
    assert (answer["until"], answer["target_ms"]) == ("2026-05-01T02:00:00Z", 1000)
    assert clinic == {
        "channel": "a",
        "client": "clinic",
        "count": 3,
        "failures": 1,
        "failed": pytest.approx(1 / 3),
        "completed_with_errors": 0,
        "within": pytest.approx(2 / 3),
        "mean_ms": 800.0,
        "p50_ms": pytest.approx(300, rel=0.05),
        "p95_ms": pytest.approx(2000, rel=0.05),
        "match_ms": 1.0,
        "store_ms": 3.0,
        "upstream_ms": 796.0,
    }
    shown = [(one["channel"], one["client"], one["count"], one["within"]) for one in others]
    assert shown == [("", "", 1, 1.0), ("a", "lab", 1, 1.0), ("b", "lab", 1, None)]


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"by": "channel"}, [("a", None, 4), ("", None, 1), ("b", None, 1)]),
        ({"by": "client"}, [(None, "clinic", 3), (None, "lab", 2), (None, "", 1)]),
        ({"client": "lab"}, [("a", "lab", 1), ("b", "lab", 1)]),
        ({"channel": "b"}, [("b", "lab", 1)]),
        ({"until": "2026-05-01T01:59:00Z"}, [("a", "clinic", 2)]),
        ({"since": "2026-05-01T02:00:00Z"}, []),
    ],
)
@on_one_database()
def test_calls_are_told_apart_as_asked(
    api: Any, query: dict[str, str], found: list[tuple[Any, ...]]
) -> None:
    data = api.get("report/", **{**DAY, **query}).get_json()["data"]
    assert [(one["channel"], one["client"], one["count"]) for one in data] == found


@on_one_database()
def test_a_report_without_calls_or_with_an_odd_span(api: Any, api_with: Any) -> None:
    assert api.get("report/").get_json()["data"] == []
    for wrong in (
        {"since": DAY["until"], "until": DAY["since"]},
        {"since": "2020-01-01T00:00:00Z"},
    ):
        assert api.get("report/", **wrong).status_code == 422
    assert api.get("report/", target_ms=0).status_code == 422
    assert api_with("proxy:channels").get("report/").status_code == 403


@pytest.mark.parametrize(
    ("durations", "target_ms", "share"),
    [([10.5] * 4, 10, 0.0), ([9.5] * 4, 10, 1.0), ([9.5, 99, 101, 5000], 100, 0.5),
     ([], 10, None), ([2e6], 1e6, 0.0), ([0.05], 0.05, 0.5)],
)  # fmt: skip
def test_share_within_a_target(
    durations: list[float], target_ms: float, share: float | None
) -> None:
    rollup = Rollup()
    for one in durations:
        at = next((at for at, edge in enumerate(EDGES_MS) if one < edge), len(EDGES_MS))
        rollup.count(Rollup(calls=1), at)
    assert share_within(rollup, target_ms) == share
