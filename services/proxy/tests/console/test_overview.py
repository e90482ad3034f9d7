"""The dashboard: calls per channel over a span, what waits, what failed, who is away."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id_at
from proxy.console.chart import SPANS, busiest, chart
from proxy.container import Container
from proxy.models import AsyncCall, TransactionStatus
from proxy.statistics.recent import in_steps, recent_calls
from proxy.statistics.rollups import Figures

FAILED = TransactionStatus.FAILED
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

Record = Callable[..., str]


@pytest.fixture
def begin(record: Record) -> Record:
    """Puts a call on record that began so long ago."""

    def put(age: timedelta, **changes: Any) -> str:
        started_at = utc_now() - age
        return record(correlation_id=new_id_at(started_at), started_at=started_at, **changes)

    return put


def about(ms: float) -> Any:
    return pytest.approx(ms, rel=0.05)


def cells(page: str, channel: str) -> list[str]:
    """The table's row of a channel."""
    row = next(row for row in page.split("<tr>") if f">{channel}</a></th>" in row)
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_calls_of_the_span_are_counted_per_channel(signed_in: Any, begin: Record) -> None:
    for ms in (10.0, 20.0, 60.0):
        begin(10 * MINUTE, duration_ms=ms)
    begin(10 * MINUTE, status=FAILED, duration_ms=None)
    begin(2 * HOUR, duration_ms=8000.0)

    hour = signed_in.get("/admin/?span=hour").text
    day = signed_in.get("/admin/?span=day").text

    assert cells(hour, "Patients")[:4] == ["4", "1", "0", "30 ms"]
    assert cells(day, "Patients")[:4] == ["5", "1", "0", "2.02 s"]


def test_chart_holds_what_the_table_counts(signed_in: Any, begin: Record) -> None:
    begin(10 * MINUTE, channel_name="It's <b>")
    begin(40 * MINUTE, channel_name="It's <b>", status=FAILED)

    page = signed_in.get("/admin/?span=hour").text
    found = re.search(r"data-chart='([^']+)'", page)
    assert found is not None
    drawn = json.loads(found.group(1))

    assert drawn["channels"] == ["It's <b>"]
    assert sum(dict(drawn["measures"])["Calls"][0]) == 2
    assert sum(dict(drawn["measures"])["Failures"][0]) == 1
    assert len(drawn["times"]) == 12


def test_latest_failures_lead_to_their_calls(signed_in: Any, begin: Record) -> None:
    begin(MINUTE)
    failed = begin(30 * 24 * HOUR, status=FAILED, error_message="refused")

    page = signed_in.get().text

    assert re.findall(r'<tr id="call-([^"]+)"', page) == [failed]
    assert f'href="/admin/mediator/transactions/{failed}/"' in page


def test_mediators_that_are_away_are_named(signed_in: Any, api: Any, mediator: Any) -> None:
    api.made(
        "mediators", **api.a_mediator(urn="urn:mediator:lab", name="Laboratory", is_online=False)
    )

    page = signed_in.get().text

    assert "0 of 2" in page
    assert ">switched off</span> Laboratory<" in page
    assert ">unknown</span> Registry<" in page


def test_asynchronous_calls_in_hand_are_counted_with_the_age_of_the_oldest(
    signed_in: Any, begin: Record, container: Container
) -> None:
    for age in (2 * MINUTE, 3 * HOUR):
        call = begin(age, status=TransactionStatus.PENDING)
        with container.database.writing() as session:
            session.add(
                AsyncCall(
                    correlation_id=uuid.UUID(call),
                    has_idempotency_key=False,
                    attempt_count=0,
                    next_attempt_at=utc_now(),
                )
            )

    page = signed_in.get().text

    assert '<span class="figure">2</span>Asynchronous calls in hand' in page
    assert re.search("the oldest for (2 h 59|3 h 0) min", page)


def test_new_hub_has_a_dashboard_too(signed_in: Any) -> None:
    page = signed_in.get()

    assert page.status_code == 200
    assert "No call in this span" in page.text
    assert "data-chart" not in page.text


def test_unknown_span_is_refused(signed_in: Any) -> None:
    assert signed_in.get("/admin/?span=year").status_code == 422


def test_steps_begin_at_the_start_of_the_span(record: Record, container: Container) -> None:
    for minute in (-1, 7, 11, 12, 67):
        record(minute, duration_ms=float(minute))
    since = NOON + 7 * MINUTE

    with container.database.reading() as session:
        found = in_steps(recent_calls(session, since, since + HOUR, 5 * MINUTE), since, 5 * MINUTE)

    assert found == [
        Figures(since, "Patients", 2, 0, 9.0, about(11.0)),
        Figures(since + 5 * MINUTE, "Patients", 1, 0, 12.0, about(12.0)),
    ]


def test_95_of_100_calls_take_at_most_the_95th_percentile(
    record: Record, container: Container
) -> None:
    for ms in range(1, 101):
        record(0, correlation_id=new_id_at(NOON), duration_ms=float(ms))

    with container.database.reading() as session:
        (whole,) = in_steps(recent_calls(session, NOON, NOON + HOUR, HOUR), NOON, HOUR)

    assert (whole.count, whole.mean_ms, whole.p95_ms) == (100, 50.5, about(95.0))


def test_chart_has_a_value_for_every_step() -> None:
    span = SPANS["hour"]
    step = Figures(NOON + 10 * MINUTE, None, 3, 1, 5.0, 9.0)

    drawn = chart(NOON, span, [step], ["Visits", None])

    nothing = [None] * 12
    assert drawn["channels"] == ["Visits", "no channel"]
    assert drawn["times"][:2] == [int(NOON.timestamp()), int(NOON.timestamp()) + 300]
    assert dict(drawn["measures"])["Calls"] == [[0] * 12, [0, 0, 3] + [0] * 9]
    assert dict(drawn["measures"])["p95 (ms)"] == [nothing, [None, None, 9.0] + [None] * 9]


def test_busiest_channels_come_first() -> None:
    some = [
        Figures(NOON, name, count, 0, None, None) for name, count in (("b", 1), ("a", 1), (None, 2))
    ]

    assert [one.channel for one in busiest(some)] == [None, "a", "b"]
