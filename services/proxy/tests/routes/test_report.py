"""The service-level report: from what was summed up, by channel and client."""

import csv
import html
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from common.ids import lowest_id_at
from one_database import on_one_database
from proxy.container import Container
from proxy.models import ClientRollup, Transaction, TransactionStatus
from proxy.statistics.error_kinds import kind_of
from proxy.statistics.rollup_job import roll_up_past_hours
from proxy.statistics.rollups import EDGES_MS, Rollup, compressed
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
def a_call(container: Container) -> Any:
    """Puts a failed call on record."""

    def put(started_at: datetime, message: str) -> None:
        with container.database.writing() as session:
            session.add(
                Transaction(
                    correlation_id=uuid.UUID(int=lowest_id_at(started_at).int),
                    channel_name="a",
                    client_name="clinic",
                    client_address="",
                    status=TransactionStatus.FAILED,
                    request_method="GET",
                    request_url="/",
                    request_headers={},
                    request_body="",
                    request_body_whole=True,
                    started_at=started_at,
                    error_message=message,
                )
            )

    return put


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
        "mediator": None,
        "status": None,
        "apdex": pytest.approx((2 / 3 + 1) / 2 * (1 - 1 / 3), abs=0.01),
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
    assert rollup.spread.share_within(target_ms) == share


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("query", "member", "found"),
    [
        ({"by": "mediator"}, "mediator", [("", 6, 3)]),
        ({"by": "status"}, "status", [("failed", 3, 3), ("successful", 3, 0)]),
        (
            {"by": "client", "order": "failures"},
            "client",
            [("clinic", 3, 1), ("lab", 2, 1), ("", 1, 1)],
        ),
        (
            {"by": "client", "order": "failed"},
            "client",
            [("", 1, 1), ("lab", 2, 1), ("clinic", 3, 1)],
        ),
        ({"by": "channel", "order": "slowest"}, "channel", [("a", 4, 1), ("", 1, 1), ("b", 1, 1)]),
    ],
)
def test_report_is_told_apart_and_ordered_as_asked(
    api: Any, query: dict[str, str], member: str, found: list[tuple[Any, ...]]
) -> None:
    data = api.get("report/", **{**DAY, **query}).get_json()["data"]
    assert [(one[member], one["count"], one["failures"]) for one in data] == found


@pytest.mark.usefixtures("counted")
@on_one_database()
def test_mediators_are_not_told_apart_by_client(api: Any) -> None:
    assert api.get("report/", **DAY, by="mediator", client="lab").status_code == 422


@pytest.mark.usefixtures("counted")
@on_one_database()
def test_page_leads_into_a_day_its_hours_and_their_calls(admin: Any) -> None:
    page = "/admin/mediator/report/"
    week = admin.get(f"{page}?since=2026-04-28T00:00:00Z&until=2026-05-02T00:00:00Z").text
    bars = re.findall(r'<a href="([^"]*)" aria-label="2026-05-01[^"]*: (\d+) calls', week)
    (day,) = [html.unescape(href) for href, count in bars if count == "6"]
    hours = admin.get(f"{page}{day}").text
    (hour,) = re.findall(r'<a href="([^"]*)" aria-label="2026-05-01 01[^"]*: 4 calls', hours)
    assert html.unescape(hour).startswith("/admin/mediator/transactions/?since=2026-05-01T01")
    assert admin.get(html.unescape(hour)).status_code == 200


@pytest.mark.parametrize(
    ("message", "answer", "kind"),
    [
        ("No answer within 30 s", None, "No answer within # s"),
        ("Unknown 'ORG7' in \"x 1\"", None, "Unknown '…' in '…'"),
        ("Refused by 10.0.0.7:8443", None, "Refused by #"),
        ("call 0198f3c2-41cd-70f5-8297-d520c956a498 lost", None, "call # lost"),
        (None, 502, "answered 502"),
        ("", None, "no answer"),
    ],
)
def test_kind_of_error_is_its_shape(message: str | None, answer: int | None, kind: str) -> None:
    assert kind_of(message, answer) == kind


def test_kind_that_no_earlier_hour_has_is_new(api: Any, container: Container, a_call: Any) -> None:
    for minute, message in ((1, "Lost 1"), (2, "Lost 2"), (1501, "Lost 3"), (1502, "Away 1")):
        a_call(MIDNIGHT + timedelta(minutes=minute), message)
    span = {"since": "2026-05-02T00:00:00Z", "until": "2026-05-03T00:00:00Z"}

    def kinds() -> list[tuple[str, int, bool]]:
        data = api.get("report/errors/", **span).get_json()["data"]
        return [(one["kind"], one["count"], one["is_new"]) for one in data]

    roll_up_past_hours(container.database, MIDNIGHT + timedelta(hours=24))
    assert kinds() == [("Away #", 1, True), ("Lost #", 1, False)]  # the last hours as on record
    roll_up_past_hours(container.database, MIDNIGHT + timedelta(hours=48))
    assert kinds() == [("Away #", 1, True), ("Lost #", 1, False)]


@pytest.fixture
def many_clients(container: Container) -> list[str]:
    """The names of clients with calls that are summed up, most calls first."""
    names = [f"client-{number:02}" for number in range(60)]
    with container.database.writing() as session:
        for number, name in enumerate(names):
            session.add(
                ClientRollup(
                    hour=MIDNIGHT,
                    channel_name="a",
                    client_name=name,
                    calls=100 - number,
                    failures=number,
                    completed=0,
                    completed_with_errors=0,
                    total_ms=100.0,
                    match_ms=1.0,
                    upstream_ms=1.0,
                    store_ms=1.0,
                    durations=compressed(1 << 32 * number),
                )
            )
    return names


@pytest.mark.parametrize("order", ["calls", "failures", "slowest"])
def test_page_shows_the_first_levels_and_leads_to_the_others(
    admin: Any, many_clients: list[str], order: str
) -> None:
    expected = many_clients if order == "calls" else many_clients[::-1]
    path, found = (
        f"/admin/mediator/report/?{urlencode({**DAY, 'by': 'client', 'order': order})}",
        [],
    )
    for length in (50, 10):
        page = admin.get(path).text
        shown = re.findall(r'<td class="main"><a [^>]*>([^<]+)</a>', page)
        assert len(shown) == length
        found += shown
        following = re.search(r'<a href="([^"]+)" rel="next">', page)
        path = f"/admin/mediator/report/{html.unescape(following[1])}" if following else ""
    assert (found, path) == (expected, "")


def test_download_has_every_level_as_the_api_does(
    admin: Any, api: Any, many_clients: list[str]
) -> None:
    asked = {**DAY, "by": "client"}
    lines = admin.get("/admin/mediator/report/", query_string={**asked, "format": "csv"}).text
    assert [one["Client"] for one in csv.DictReader(lines.splitlines())] == many_clients
    levels = api.get("report/", **asked).get_json()["data"]
    assert [one["client"] for one in levels] == many_clients
    assert all(one["p95_ms"] for one in levels)


@on_one_database()
def test_page_of_a_report_refuses_a_cursor_of_another_list(admin: Any) -> None:
    assert admin.get("/admin/mediator/report/?cursor=bm9uZQ").status_code == 422
