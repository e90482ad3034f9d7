"""One trace from nginx to the provider, and metrics of all processes, as a collector gets them."""

import json
import time
from pathlib import Path

import pytest
from bus import Bus
from common.clock import rfc3339, utc_now
from common.jobs.broker import dead_letter_queue, durable_queue, open_broker
from common.jobs.events import CONTENT_TYPE
from common.settings import Environment
from hub import Hub, unique
from otlp_collector import Collected, Collector, otlp_collector
from raw_mediator import Received, answer
from systems import MOSTLY_EMBEDDED

QUEUE = "notification.emit"
SECRET_NAME = "Mwanaidi Hassani Ngozi"
#: Which service's span stands beneath which, on the path from nginx to the provider.
STEPS = (
    ("nginx", "POST /api/esb/inbound/{route}"),
    ("esb-relay-gateway", "POST /api/esb/inbound/{route}"),
    ("esb-relay-worker", "process esb-relay.accepted_calls"),
    ("esb-relay-worker", "POST"),
    ("proxy-gateway", "POST /traced/*"),
    ("proxy-gateway", "POST"),
    ("notification-worker", "process notification.emit"),
    ("notification-worker", "process notification.outbox"),
    ("notification-worker", "send EMAIL"),
)
#: What is beside that path.
BESIDES = {
    ("proxy-gateway", "admission"),
    ("proxy-gateway", "begin"),
    ("proxy-gateway", "complete"),
    ("esb-relay-worker", "process esb-relay.late_answers"),
    ("demo-govesb", "POST /async"),
}


#: Every process of ours, as traces and metrics name it.
PROCESSES = {
    *("proxy", "proxy-gateway", "proxy-worker"),
    *("esb-relay", "esb-relay-gateway", "esb-relay-worker"),
    *("notification", "notification-worker"),
    *("policy-notify", "policy-notify-worker"),
}
QUEUES = {
    *("async_calls", "polls", "alert_messages", "rerun_tasks"),
    *("late_answers", "accepted_calls", "events", "outbox"),
}


@pytest.fixture
def collector():
    with otlp_collector() as started:
        yield started


@pytest.mark.parametrize("shape", MOSTLY_EMBEDDED)
def test_one_trace_leads_from_nginx_to_the_provider(
    own_hub, collector, mediator, eventually, shape
):
    services = ("proxy", "esb-relay", "notification", "demo-govesb", "demo-mail")
    hub = own_hub(
        shape,
        services=services,
        own_broker=True,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    bus = Bus(hub)
    hub.new_channel("/traced/*", hub.new_mediator(mediator.url)["id"])
    hub.in_force()
    event = _event_to_mail(hub)

    def respond(sock, received: Received) -> None:
        _publish(hub, event, received.header("traceparent")[0])
        answer(b"{}", "200 OK", "Content-Type: application/json")(sock, received)

    mediator.default = respond
    name = unique("route")
    route = {"name": name, "target_kind": "proxy", "target": "/traced/x", "is_async": True}
    assert bus.ask("POST", "routes/", json=route).status_code == 201
    began_ns = time.time_ns()
    bus.call(name, json.dumps({"esbBody": {"who": SECRET_NAME}, "requestId": unique("call")}))

    root = eventually(lambda: _root(collector, began_ns))
    steps = eventually(lambda: _steps(collector, root), 30)
    assert [(one.service, one.name) for one in steps] == list(STEPS)
    assert steps[0].start_ns <= steps[1].start_ns
    assert eventually(lambda: _besides(collector, root) == BESIDES)
    assert SECRET_NAME.encode() not in collector.raw
    assert hub.stack.installation.demo_client_secret.encode() not in collector.raw
    assert root.trace_id in Path(hub.output or "").read_text()


@pytest.mark.parametrize("shape", MOSTLY_EMBEDDED)
def test_metrics_of_every_process_arrive(own_hub, collector, mediator, eventually, shape):
    hub = own_hub(
        shape,
        services=("proxy", "esb-relay", "notification", "policy-notify"),
        OTEL_METRICS_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{collector.url}/v1/metrics",
        OTEL_METRIC_EXPORT_INTERVAL="200",
    )
    eventually(lambda: {one.service for one in collector.values("process.uptime")} == PROCESSES)
    backlog = collector.values("kiungo_backlog_jobs")
    assert {one.attributes["queue"] for one in backlog} == QUEUES

    hub.new_channel("/limited/*", hub.new_mediator(mediator.url)["id"])
    client = hub.new_client(max_rate=0.1)
    hub.in_force()
    statuses = [hub.call("GET", "/limited/x", headers=client).status_code for _ in range(2)]
    assert statuses == [200, 429]
    [*_, limited] = eventually(lambda: collector.values("kiungo_calls_limited"))
    assert (limited.service, limited.is_sum, limited.value) == ("proxy-gateway", True, 1)
    assert limited.attributes == {"client": client["X-Client-Id"]}
    assert not collector.spans


def _event_to_mail(hub: Hub) -> str:
    event = unique("EVENT").upper().replace("-", "_")
    for path, given in (
        ("events/", {"code": event, "module": "LICENCE"}),
        ("rules/", {"recipient_policy": "ALL", "channels": ["EMAIL"]}),
        ("templates/", {"channel": "EMAIL", "language": "en", "subject": "Hi", "body": "Hi"}),
    ):
        made = hub.session.post(
            f"{hub.url}/api/notification/{path}",
            headers={"Authorization": f"Bearer {hub.token}"},
            json=given if path == "events/" else {"event_code": event, **given},
            timeout=60,
        )
        assert made.status_code == 201, made.text
    return event


def _publish(hub: Hub, event_code: str, traceparent: str) -> None:
    """What a mediator does that traces as well: an event, within the call's trace."""
    installation = hub.stack.installation
    environ = {**installation.environ, "VAR_DIR": str(installation.var_dir)}
    person = {"user_id": "u1", "actor_type": "TEACHER", "to_email": "somebody@example.org"}
    event = {
        "specversion": "1.0",
        "id": unique("event"),
        "type": QUEUE,
        "source": "/a/mediator",
        "time": rfc3339(utc_now()),
        "traceparent": traceparent,
        "data": {"event_code": event_code, "recipients": [person]},
    }
    with open_broker(Environment.read(environ)) as connection, connection.Producer() as producer:
        producer.publish(
            json.dumps(event).encode(),
            routing_key=QUEUE,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            delivery_mode=2,
            declare=[dead_letter_queue(QUEUE), durable_queue(QUEUE)],
        )


def _root(collector: Collector, began_ns: int) -> Collected | None:
    """nginx's span of the bus's call."""
    with collector.lock:
        found = [
            one
            for one in collector.spans
            if (one.service, one.name) == STEPS[0] and one.end_ns >= began_ns
        ]
    return found[0] if found else None


def _besides(collector: Collector, root: Collected) -> set[tuple[str, str]]:
    """Those of `BESIDES` that the trace has."""
    return BESIDES & {(one.service, one.name) for one in collector.trace(root.trace_id)}


def _steps(collector: Collector, root: Collected) -> list[Collected] | None:
    """The path from the provider's span up to `root`; None while it is not whole."""
    by_id = {one.span_id: one for one in collector.trace(root.trace_id)}
    last = [one for one in by_id.values() if (one.service, one.name) == STEPS[-1]]
    if not last:
        return None
    path = [last[0]]
    while path[0].parent_id:
        above = by_id.get(path[0].parent_id)
        if above is None:
            return None
        path.insert(0, above)
    return path
