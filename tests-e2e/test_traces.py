"""One trace from nginx to the provider, exported over OTLP to a collector on loopback."""

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
from raw_mediator import Received, answer
from systems import MOSTLY_EMBEDDED
from trace_collector import Collected, Collector, trace_collector

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


@pytest.fixture
def collector():
    with trace_collector() as started:
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
