"""Spans stand beneath what they came of, cost nothing when they are off, and hold nobody up."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from common import tracing
from common.correlation import RequestContext, follow, leave
from common.db.database import TYPES, Database, new_metadata
from common.jobs.broker import durable_queue, open_broker
from common.jobs.events import OutgoingEvent, queue_event, relay_due
from common.settings import Environment, SettingError
from sqlalchemy.orm import DeclarativeBase

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
#: Nobody listens there.
AWAY = "http://127.0.0.1:9"


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Outgoing(OutgoingEvent, Base):
    __tablename__ = "outgoing_events"


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from common import tracing_export

    monkeypatch.setattr(tracing_export, "CLOSE_S", 0.1)
    tracing.configure_tracing("test", Environment(otlp_endpoint=AWAY))
    yield
    tracing.close_tracing()


@pytest.fixture
def request_context() -> Iterator[None]:
    token = follow(RequestContext("abcdefgh", CALLERS))
    yield
    leave(token)


def test_without_the_setting_nothing_of_the_sdk_is_loaded() -> None:
    code = (
        "import sys, common.web.gunicorn_conf, common.web.requests, common.jobs.events\n"
        "from common import tracing; from common.settings import Environment\n"
        "tracing.configure_tracing('test', Environment())\n"
        "with tracing.span('x') as one: assert one is tracing.NO_SPAN\n"
        "print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_without_the_setting_a_callers_trace_goes_on_as_it_came(request_context: None) -> None:
    with tracing.span("x"):
        assert tracing.outgoing_headers() == {
            "X-Correlation-Id": "abcdefgh",
            "Traceparent": CALLERS,
        }
    assert tracing.log_fields() == {"trace_id": TRACE_ID, "span_id": "00f067aa0ba902b7"}


def test_spans_are_in_the_callers_trace(traced: None, request_context: None) -> None:
    with tracing.span("outer") as outer:
        with tracing.span("inner") as inner:
            assert tracing.outgoing_headers()["Traceparent"] == inner.traceparent
        assert tracing.outgoing_headers()["Traceparent"] == outer.traceparent
    assert tracing.traceparent() == CALLERS
    traces = {str(one.traceparent)[3:35] for one in (outer, inner)}
    assert traces == {TRACE_ID}
    assert outer.traceparent != inner.traceparent != CALLERS


@pytest.mark.parametrize(
    "given", ["", "no trace", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{TRACE_ID}-0-01"]
)
def test_what_is_no_trace_begins_a_new_one(traced: None, given: str) -> None:
    with tracing.request_span("GET", {"Traceparent": given}) as span:
        assert str(span.traceparent)[3:35] not in {TRACE_ID, "0" * 32}


def test_what_every_call_passes_is_itself_where_nothing_is_traced() -> None:
    async def act() -> str | None:
        return tracing.traceparent()

    assert tracing.within("act", act) is act


def test_what_every_call_passes_is_within_a_span_each_time(
    traced: None, request_context: None
) -> None:
    async def act() -> str | None:
        return tracing.traceparent()

    within = tracing.within("act", act)
    first, second = (asyncio.run(within()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert TRACE_ID in first
    assert TRACE_ID in second
    assert len({first, second, CALLERS}) == 3


def test_a_collector_that_is_away_holds_nobody_up(traced: None) -> None:
    began = time.monotonic()
    for _ in range(5_000):  # more than is kept
        with tracing.span("x"):
            pass
    tracing.close_tracing()
    assert time.monotonic() - began < 5


def test_event_takes_its_trace_to_the_queue(
    traced: None, request_context: None, database: Database, broker: Environment
) -> None:
    Base.metadata.create_all(database.engine)
    queue = f"kiungo-test-{time.time_ns()}"
    with database.writing() as session, tracing.span("act") as act:
        queue_event(session, Outgoing, queue=queue, type_="t", source="/test")
    with open_broker(broker) as connection:
        relay_due(database, Outgoing, connection)
        bound = durable_queue(queue)(connection.default_channel)
        message = bound.get(no_ack=True)
        bound.delete()
    assert json.loads(message.body)["traceparent"] == act.traceparent
    sent = message.headers["traceparent"]
    assert sent[3:35] == TRACE_ID
    assert sent != act.traceparent


@pytest.mark.parametrize("given", ["collector:4318", "ftp://collector", "http://u:p@collector"])
def test_an_address_that_is_none_is_named_without_its_value(given: str) -> None:
    with pytest.raises(SettingError) as raised:
        Environment.read({"OTEL_EXPORTER_OTLP_ENDPOINT": given})
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in raised.value.message
    assert given not in raised.value.message


def test_the_collectors_secret_is_not_shown() -> None:
    given = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc"}
    assert "abc" not in repr(Environment.read(given))


def test_headers_are_read_as_the_standard_writes_them() -> None:
    from common.otlp import header_pairs

    assert header_pairs("authorization=Bearer%20abc, X-Tenant=moh") == {
        "authorization": "Bearer abc",
        "x-tenant": "moh",
    }
