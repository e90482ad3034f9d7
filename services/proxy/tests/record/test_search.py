"""The search through the record: bounded steps that miss nothing, whatever is asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.ids import new_id_at
from proxy.container import Container
from proxy.models import Channel, Mediator, Transaction, TransactionStatus
from proxy.record import search
from proxy.record.search import Step, newest
from proxy.record.transactions import TransactionFilter
from sqlalchemy import insert, text

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CALLS = 90
STEP = 4


def a_call(number: int) -> dict[str, Any]:
    """Each column has common values, rare ones, and ones that only the oldest calls have."""
    started_at = NOON + timedelta(seconds=number)
    is_old, status_code = number < 10, [200, 200, 404, 503, 201, 200, 302][number % 7]
    return {
        "correlation_id": new_id_at(started_at),
        "channel_name": "Old" if is_old else f"Channel {number % 3}",
        "client_name": "lab" if number % 11 == 0 else "clinic",
        "client_address": "192.0.2.7",
        "status": TransactionStatus.FAILED if status_code > 400 else TransactionStatus.SUCCESSFUL,
        "request_method": ["GET", "POST", "POST", "PUT", "DELETE"][number % 5],
        "request_url": f"/old/{number}" if is_old else f"/new/{number}?odd={number % 2}",
        "request_headers": {},
        "request_body": "",
        "request_body_whole": True,
        "response_status_code": None if number % 13 == 0 else status_code,
        "error_message": "Refused" if status_code > 400 else None,
        "started_at": started_at,
        "duration_ms": 100.0 * (number % 23),
    }


@pytest.fixture
def calls(container: Container) -> list[dict[str, Any]]:
    """A record, newest first: of three calls one is in clear, one sealed as far as it can be, and
    one but for what is literal in its channel's pattern.
    """
    rows = [a_call(number) for number in range(CALLS)]
    stored = [{**row, "request_head": None} for row in rows]
    for number, row in enumerate(stored):
        if number % 3:
            literal = "/old/" if number < 10 else "/new/"
            container.sealer.seal_bodies(row, literal if number % 3 == 1 else "")
    mediator = Mediator(name="Even", urn="urn:even", version="1.0.0", endpoint_url="http://h")
    with container.database.writing() as session:
        session.add(mediator)
        session.execute(insert(Transaction), stored)
        for name in ("Channel 0", "Channel 2"):
            session.add(Channel(name=name, path_pattern=f"/{name}", mediator=mediator))
    return rows[::-1]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small steps, and time for one only."""
    monkeypatch.setattr(search, "STEP", STEP)
    monkeypatch.setattr(search, "BUDGET_S", 0)


def pages(api: Any, **query: Any) -> list[dict[str, Any]]:
    """Every page of the list."""
    found: list[dict[str, Any]] = []
    cursor = None
    while not found or cursor:
        answer = api.get("transactions/", **query, **({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found.append(answer.get_json())
        cursor = found[-1]["next_cursor"]
    return found


FILTERS: list[tuple[dict[str, str], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda _: True),
    ({"status": "failed"}, lambda one: one["status"] == "failed"),
    ({"status": "successful"}, lambda one: one["status"] == "successful"),
    ({"status": "pending"}, lambda _: False),
    ({"channel": "Old"}, lambda one: one["channel_name"] == "Old"),
    ({"client": "lab"}, lambda one: one["client_name"] == "lab"),
    ({"method": "get"}, lambda one: one["request_method"] == "GET"),
    ({"method": "delete"}, lambda one: one["request_method"] == "DELETE"),
    ({"method": "TRACE"}, lambda _: False),
    ({"path": "/old/"}, lambda one: one["request_url"].startswith("/old/")),
    ({"path": "/ol"}, lambda one: one["request_url"].startswith("/old/")),
    ({"path": "/new/1"}, lambda one: one["request_url"].startswith("/new/1")),
    ({"path": "/new/31?odd=1"}, lambda one: one["request_url"] == "/new/31?odd=1"),
    ({"path": "/new/***"}, lambda _: False),
    ({"path": "*"}, lambda _: False),
    ({"response_status": "200"}, lambda one: one["response_status_code"] == 200),
    ({"response_status": "503"}, lambda one: one["response_status_code"] == 503),
    ({"response_status": "418"}, lambda _: False),
    ({"response_status": "2xx"}, lambda one: one["response_status_code"] in (200, 201)),
    ({"response_status": "4xx"}, lambda one: one["response_status_code"] == 404),
    ({"mediator": "urn:even"}, lambda one: one["channel_name"] in ("Channel 0", "Channel 2")),
    ({"mediator": "urn:nobody"}, lambda _: False),
    ({"min_duration_ms": "1500"}, lambda one: one["duration_ms"] >= 1_500),
    (
        {"min_duration_ms": "500", "max_duration_ms": "900"},
        lambda one: 500 <= one["duration_ms"] <= 900,
    ),
    ({"q": "ODD=1"}, lambda one: "odd=1" in one["request_url"]),
    ({"q": "refused"}, lambda one: one["error_message"] is not None),
    ({"q": "nowhere"}, lambda _: False),
    (
        {"channel": "Channel 1", "status": "failed", "response_status": "5xx"},
        lambda one: one["channel_name"] == "Channel 1" and one["response_status_code"] == 503,
    ),
    (
        {"client": "clinic", "method": "PUT", "q": "old"},
        lambda one: (
            one["client_name"] == "clinic"
            and one["request_method"] == "PUT"
            and "old" in one["request_url"]
        ),
    ),
    (
        {"since": "2026-05-01T12:00:05Z", "until": "2026-05-01T12:00:30Z", "channel": "Channel 0"},
        lambda one: (
            5 <= (one["started_at"] - NOON).seconds < 30 and one["channel_name"] == "Channel 0"
        ),
    ),
]


@pytest.mark.parametrize(("query", "meets"), FILTERS, ids=[str(query) for query, _ in FILTERS])
@pytest.mark.usefixtures("hurried")
def test_pages_of_a_hurried_search_hold_every_call_once_in_order(
    api: Any, calls: list[dict[str, Any]], query: dict[str, str], meets: Callable[..., bool]
) -> None:
    found = pages(api, **query, limit=3)

    ids = [call["correlation_id"] for page in found for call in page["data"]]
    assert ids == [str(call["correlation_id"]) for call in calls if meets(call)]


@pytest.mark.usefixtures("hurried")
def test_page_that_is_not_full_says_how_far_the_search_came(
    api: Any, calls: list[dict[str, Any]]
) -> None:
    first, *_, last = pages(api, path="/old/", limit=20)

    assert (first["count"], last["count"]) == (0, 2)
    assert first["searched_back_to"] == "2026-05-01T12:01:26Z"
    assert calls[STEP - 1]["started_at"] == NOON + timedelta(seconds=86)
    assert last["searched_back_to"] is None


@pytest.mark.usefixtures("hurried", "calls")
def test_full_page_is_not_called_unfinished(api: Any) -> None:
    page = api.get("transactions/", limit=3).get_json()

    assert (page["count"], page["searched_back_to"]) == (3, None)
    assert page["next_cursor"]


@pytest.mark.usefixtures("hurried", "calls")
def test_without_a_time_limit_the_search_goes_to_the_end(container: Container) -> None:
    with container.database.reading() as session:
        found, edge = newest(session, TransactionFilter(path="/old/"), 500)

    assert (len(found), edge) == (10, None)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "pk_transactions"),
        ({"channel": "Old"}, "ix_transactions_channel_name_correlation_id"),
        ({"client": "lab"}, "ix_transactions_client_name_correlation_id"),
        ({"status": TransactionStatus.PENDING}, "ix_transactions_not_successful"),
        ({"response_status": "418"}, "ix_transactions_not_200"),
        ({"response_status": "1xx"}, "ix_transactions_not_200"),
        ({"method": "PATCH"}, "ix_transactions_rare_method"),
        ({"min_duration_ms": 2_000}, "ix_transactions_slow"),
    ],
)
def test_candidates_come_from_an_index_in_order(
    container: Container, wanted: dict[str, Any], index: str
) -> None:
    filter_ = TransactionFilter(**wanted)
    query = Step(filter_, [(filter_.leads() or [[]])[0]], None).ids().limit(search.STEP)
    engine = container.database.engine
    is_sqlite = engine.dialect.name == "sqlite"
    shown = query.compile(engine, compile_kwargs={"literal_binds": True})
    with container.database.writing() as session:
        session.execute(insert(Transaction), [a_call(number % CALLS) for number in range(4000)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
        if not is_sqlite:
            # So few rows are sorted as fast; what counts is that the index can give them in order.
            connection.execute(text("SET enable_sort = off"))
            connection.execute(text("SET enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = "\n".join(str(row) for row in connection.execute(text(f"{explain} {shown}")))
        if not is_sqlite:
            connection.execute(text("RESET ALL"))
        parts = (
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:of)"
        )
        named = [] if is_sqlite else connection.scalars(text(parts), {"of": index}).all()

    if is_sqlite:
        named = ["sqlite_autoindex_transactions_1" if index.startswith("pk") else index]
    scans = ("COVERING INDEX {}", "Scan Backward using {}")
    # Of each partition.
    assert named
    assert all(any(scan.format(one) in plan for scan in scans) for one in named)
    assert "->  Sort" not in plan
    assert "TEMP B-TREE" not in plan
