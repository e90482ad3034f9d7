"""Which calls go to the bus, and how: asked through nginx, with a stand-in for esb-relay."""

import json

import pytest
from raw_mediator import RawMediator, answer, hang_up, raw_mediator
from systems import eventually, systems

JSON = "Content-Type: application/json"
VERIFIED = b'{"ok":true,"exchange_id":"x-1","success":true,"message":"fine","esb_body":{"n":1.10}}'
CODES = {
    "NHIF": {"api_code": "API-1", "push_code": "PUSH-1"},
    "Only-Push": {"push_code": "PUSH-2"},
    "Only-Api": {"api_code": "API-3"},
}


@pytest.fixture(scope="module")
def relay_server():
    with raw_mediator() as started:
        yield started


@pytest.fixture
def relay(relay_server: RawMediator):
    """The relay answers a verified success unless a test says otherwise."""
    relay_server.on("/api/esb/relay/", answer(VERIFIED, "200 OK", JSON))
    relay_server.received.clear()
    return relay_server


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    with systems(tmp_path_factory.mktemp("esb")) as started:
        yield started


@pytest.fixture(scope="module")
def esb_hub(start, relay_server):
    """A hybrid hub whose channel /bus goes to the bus, for three organizations."""
    hub = start("embedded", ESB_RELAY_URL=relay_server.url)
    record = hub.new_mediator("http://127.0.0.1:9")
    channel = hub.new_channel("/bus", record["id"])
    for organization, codes in CODES.items():
        given = {"channel_id": channel["id"], "organization": organization, **codes}
        hub.api("POST", "registrations/", 201, json=given)
    _settle(hub, "/bus")
    return hub


@pytest.fixture(scope="module")
def pure_hub(start, relay_server):
    """A hub in mode pure_esb with one global registration."""
    hub = start("embedded", ESB_RELAY_URL=relay_server.url, MEDIATOR_MODE="pure_esb", DEMO="1")
    given = {"channel_id": None, "organization": "NHIF", "api_code": "GLOBAL-1"}
    hub.api("POST", "registrations/", 201, json=given)
    _settle(hub, "/anything")
    return hub


def _settle(hub, path):
    """Wait until both processes know the registrations."""
    headers = {"X-Organization": "NHIF", "X-ESB-Mode": "unknown"}
    eventually(
        lambda: all(hub.call("POST", path, headers=headers).status_code == 400 for _ in range(6))
    )


def sent(relay) -> dict:
    return json.loads(relay.received[-1].body)


def test_a_verified_answer_is_returned_digit_for_digit(esb_hub, relay):
    body = b'{"a": 1.10, "id": 12345678901234567890, "t": "\\/"}'
    response = esb_hub.call("POST", "/bus", data=body, headers={"X-Organization": "nhif"})
    assert (response.status_code, response.content) == (200, VERIFIED)
    wanted = b'{"mode":"normal","code":"API-1","body":' + body + b"}"
    assert relay.received[-1].body == wanted
    kept = esb_hub.transaction(response.headers["X-Correlation-Id"])
    assert (kept["status"], kept["esb_exchange_id"]) == ("successful", "x-1")
    assert kept["organization"] == "NHIF"
    assert relay.received[-1].header("X-Correlation-Id") == [kept["correlation_id"]]
    assert relay.received[-1].header("Authorization")[0].startswith("Bearer ey")


def test_the_organization_may_stand_in_the_query(esb_hub, relay):
    assert esb_hub.call("POST", "/bus?organization=NHIF").status_code == 200
    assert sent(relay) == {"mode": "normal", "code": "API-1", "body": {}}


@pytest.mark.parametrize(
    ("target", "headers", "status", "reason"),
    [
        ("/bus", {}, 400, "Organization is required for ESB routing"),
        ("/bus", {"X-Organization": ""}, 400, "Organization is required for ESB routing"),
        (
            "/bus",
            {"X-Organization": "Unknown"},
            404,
            "No external system registration for this organization",
        ),
        (
            "/bus?organization=Only-Api",
            {"X-Organization": "NHIF"},
            409,
            "X-Organization and ?organization= name different organizations",
        ),
        (
            "/bus",
            {"X-Organization": "NHIF", "X-ESB-Mode": "pull"},
            400,
            "X-ESB-Mode must be normal or push",
        ),
        (
            "/bus?esb_mode=push",
            {"X-Organization": "Only-Api"},
            400,
            "The registration has no push_code for mode push",
        ),
        (
            "/bus",
            {"X-Organization": "Only-Push", "X-ESB-Mode": "normal"},
            400,
            "The registration has no api_code for mode normal",
        ),
    ],
)
def test_what_the_bus_cannot_take_is_refused(esb_hub, relay, target, headers, status, reason):
    response = esb_hub.call("POST", target, headers=headers)
    assert (response.status_code, response.json()["error"]) == (status, reason)
    assert not relay.received


@pytest.mark.parametrize(
    ("organization", "asked", "mode", "code"),
    [
        ("NHIF", "", "normal", "API-1"),
        ("NHIF", "push", "push", "PUSH-1"),
        ("NHIF", "NORMAL", "normal", "API-1"),
        ("Only-Push", "", "push", "PUSH-2"),
    ],
)
def test_the_mode_follows_from_what_is_asked_and_registered(
    esb_hub, relay, organization, asked, mode, code
):
    headers = {"X-Organization": organization, "X-ESB-Mode": asked}
    assert esb_hub.call("POST", "/bus", json={}, headers=headers).status_code == 200
    assert (sent(relay)["mode"], sent(relay)["code"]) == (mode, code)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", b"{}"),
        (b'{"requestdata": {"n": 1.0}, "other": 1}', b'{"n": 1.0}'),
        (b'{"data": {"requestdata": {}}}', b'{"data": {"requestdata": {}}}'),
    ],
)
def test_requestdata_is_the_payload_where_it_is_given(esb_hub, relay, body, payload):
    esb_hub.call("POST", "/bus", data=body, headers={"X-Organization": "NHIF"})
    assert relay.received[-1].body.endswith(b'"body":' + payload + b"}")


@pytest.mark.parametrize("body", [b"[1]", b"no json", b'{"requestdata": 5}', b"{} {}", b'"x"'])
def test_a_body_that_is_no_object_is_refused_and_kept_as_failed(esb_hub, relay, body):
    response = esb_hub.call("POST", "/bus", data=body, headers={"X-Organization": "NHIF"})
    assert response.status_code == 400
    kept = esb_hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["status"] == "failed"
    assert not relay.received


@pytest.mark.parametrize(
    ("responder", "reason"),
    [
        (answer(b'{"ok":true,"success":false,"message":"not insured"}', "200 OK", JSON), "insured"),
        (answer(b'{"error":"signature is not valid"}', "502 Bad Gateway", JSON), "not valid"),
        (answer(b"<html>", "500 Oops"), "500"),
        (hang_up, "broke"),
    ],
)
def test_a_failure_of_the_bus_is_a_bad_gateway_with_its_reason(esb_hub, relay, responder, reason):
    relay.on("/api/esb/relay/", responder)
    response = esb_hub.call("POST", "/bus", json={}, headers={"X-Organization": "NHIF"})
    assert response.status_code == 502
    assert reason in response.json()["error"]
    kept = esb_hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["status"] == "failed"
    assert reason in kept["error_message"]


def test_a_call_to_the_bus_can_be_asynchronous(esb_hub, relay):
    headers = {"X-Organization": "NHIF"}
    response = esb_hub.call("POST", "/bus?async=1", data=b'{"n": 1.50}', headers=headers)
    assert response.status_code == 202
    wait = {"Prefer": "wait=10"}
    state = esb_hub.call("GET", response.headers["Location"], headers=wait).json()
    assert (state["status"], state["response_body"]) == ("successful", VERIFIED.decode())
    assert relay.received[-1].body == b'{"mode":"normal","code":"API-1","body":{"n": 1.50}}'


def test_an_unknown_outcome_of_an_asynchronous_call_is_not_repeated(esb_hub, relay):
    relay.on("/api/esb/relay/", hang_up)
    headers = {"X-Organization": "NHIF", "X-ESB-Mode": "push"}
    response = esb_hub.call("POST", "/bus?async=1", json={}, headers=headers)
    wait = {"Prefer": "wait=10"}
    state = esb_hub.call("GET", response.headers["Location"], headers=wait).json()
    assert state["status"] == "failed"
    assert "outcome unknown" in state["error_message"]
    assert len(relay.received) == 1


def test_pure_esb_sends_every_path_to_the_bus(pure_hub, relay):
    for path in ("/anything", "/demo/echo"):
        response = pure_hub.call("POST", path, json={}, headers={"X-Organization": "NHIF"})
        assert response.status_code == 200
        assert sent(relay)["code"] == "GLOBAL-1"


def test_pure_esb_needs_an_organization_that_is_registered(pure_hub, relay):
    assert pure_hub.call("POST", "/anything").status_code == 400
    headers = {"X-Organization": "Unknown"}
    assert pure_hub.call("POST", "/anything", headers=headers).status_code == 404
    assert not relay.received
