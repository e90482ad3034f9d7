"""Bodies of a megabyte are looked into by processes beside the gateway, as small ones are in it."""

import gzip
import json

import psutil
import pytest
from hub import unique
from raw_mediator import answer

SCHEMA = {"properties": {"items": {"items": {"properties": {"code": {"type": "string"}}}}}}
MASKED = [{"kind": "json", "expression": "/items/0/code"}]
SECRET = "planted-in-the-first"


def a_body(last: object = "fine") -> bytes:
    """Somewhat less than a megabyte; its last item is `last`."""
    items = [
        {"code": f"{SECRET}-item"},
        *({"code": f"a{n}"} for n in range(50_000)),
        {"code": last},
    ]
    return json.dumps({"items": items}).encode()


def post(hub, path: str, body: bytes, **headers: str):
    fields = {"Content-Type": "application/json", **headers}
    return hub.call("POST", path, data=body, headers=fields)


@pytest.fixture(scope="module")
def ruled(hub, shared_mediator):
    """A path whose JSON bodies are checked, and masked on record."""
    path = f"/{unique('heavy')}"
    mediator_id = hub.new_mediator(shared_mediator.url)["id"]
    hub.new_channel(path, mediator_id, request_body_schema=SCHEMA, masked_fields=MASKED)
    hub.in_force()
    return path


def test_the_last_item_of_a_megabyte_is_looked_at(hub, ruled, mediator):
    whole = a_body()
    assert post(hub, ruled, whole).status_code == 200
    (received,) = mediator.to(ruled)
    assert received.body == whole
    for packed, headers in (
        (a_body(5), {}),
        (gzip.compress(a_body(5)), {"Content-Encoding": "gzip"}),
    ):
        refused = post(hub, ruled, packed, **headers)
        assert refused.status_code == 422
        assert list(refused.json()["errors"]) == ["/items/50001/code"]
    assert len(mediator.to(ruled)) == 1


def test_a_mask_reaches_into_a_megabyte(hub, ruled, mediator):
    for body, headers in (
        (a_body(), {}),
        (gzip.compress(a_body()), {"Content-Encoding": "gzip"}),
    ):
        answer = post(hub, ruled, body, **headers)
        assert answer.status_code == 200
        kept = hub.transaction(answer.headers["X-Correlation-Id"])["request_body"]
        assert kept.startswith('{"items":[{"code":"***"}')
        assert '"a0"' in kept
        assert SECRET not in kept


def test_a_channel_is_chosen_by_what_a_megabyte_holds(hub, shared_mediator, mediator):
    path, mediator_id = f"/{unique('chosen')}", hub.new_mediator(shared_mediator.url)["id"]
    rule = {"kind": "json", "expression": "/items/50001/code", "value": "fine"}
    hub.new_channel(path, mediator_id, match_body=rule)
    hub.in_force()
    assert post(hub, path, a_body()).status_code == 200
    assert post(hub, path, a_body("another")).status_code == 404
    assert len(mediator.to(path)) == 1


def test_a_body_whose_process_was_killed_is_looked_into_by_another(hub, ruled, mediator):
    assert post(hub, ruled, a_body()).status_code == 200
    beside = [
        process
        for process in psutil.Process(hub.stack.pids()[hub.gateway]).children(recursive=True)
        if "spawn_main" in " ".join(process.cmdline())
    ]
    assert beside
    for process in beside:
        process.kill()
    assert post(hub, ruled, a_body(5)).status_code == 422
    assert post(hub, ruled, a_body()).status_code == 200


def test_large_answers_are_rewritten_and_unwrapped(hub, mediator):
    items = [f"{mediator.url}/fhir/{number}" for number in range(20_000)]
    path, mediator_id = f"/{unique('large')}", hub.new_mediator(mediator.url)["id"]
    hub.new_channel(f"{path}/*", mediator_id, rewrite_urls=True)
    hub.in_force()
    kind = "Content-Type: application/json"
    mediator.default = answer(json.dumps(items).encode(), "200 OK", kind)
    ours = [one.replace(mediator.url, hub.url) for one in items]
    assert hub.call("GET", f"{path}/x").json() == ours
    said = {"response": {"status": 201, "body": json.dumps(items)}, "properties": {"a": "b"}}
    mediator.default = answer(json.dumps(said).encode(), "200 OK", f"{kind}+openhim")
    found = hub.call("GET", f"{path}/x")
    assert (found.status_code, found.json()) == (201, ours)
