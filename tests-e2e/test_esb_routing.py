"""Which calls go to the bus, and how: through nginx, the proxy and the relay to the simulator."""

import json

import pytest
from bus import Bus
from hub import unique
from systems import systems

CODES = {
    "NHIF": {"api_code": "API-1", "push_code": "PUSH-1"},
    "Only-Push": {"push_code": "PUSH-2"},
    "Only-Api": {"api_code": "API-3"},
    "Silent": {"push_code": "SILENT!reset"},
}
NHIF = {"X-Organization": "NHIF"}


@pytest.fixture(scope="module")
def bus(hub) -> Bus:
    """A hybrid hub whose channel /bus goes to the bus, for some organizations."""
    bus = Bus(hub)
    bus.open_channel("/bus", CODES)
    return bus


@pytest.fixture(scope="module")
def pure_bus(tmp_path_factory):
    """A hub in mode pure_esb that speaks XML, with one global registration."""
    with systems(tmp_path_factory.mktemp("pure")) as start:
        bus = Bus(
            start(
                "embedded",
                services=["proxy", "esb-relay", "demo-govesb"],
                MEDIATOR_MODE="pure_esb",
                ESB_REQUEST_DATA_FORMAT="xml",
            )
        )
        bus.register("NHIF", channel_id=None, api_code="GLOBAL-1")
        bus.hub.in_force()
        yield bus


def post(bus, path="/bus", **options):
    return bus.hub.call("POST", path, **options)


def test_a_verified_answer_is_returned_digit_for_digit(bus):
    body = b'{"a":1.1,"id":12345678901234567890,"t":"/"}'
    response = post(bus, data=body, headers={"X-Organization": "nhif"})
    assert response.status_code == 200
    assert b'"esb_body":' + body + b"," in response.content
    kept = bus.hub.transaction(response.headers["X-Correlation-Id"])
    assert (kept["status"], kept["organization"]) == ("successful", "NHIF")
    (exchange,) = bus.exchanges(response)
    assert exchange["id"] == kept["esb_exchange_id"] == response.json()["exchange_id"]
    assert (exchange["mode"], exchange["code"]) == ("normal", "API-1")
    assert (exchange["organization"], exchange["caller"]) == ("NHIF", "kiungo-proxy")


def test_the_organization_may_stand_in_the_query(bus):
    response = post(bus, "/bus?organization=NHIF")
    assert (response.status_code, response.json()["esb_body"]) == (200, {})


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
            NHIF,
            409,
            "X-Organization and ?organization= name different organizations",
        ),
        (
            "/bus",
            {**NHIF, "X-ESB-Mode": "pull"},
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
def test_what_the_bus_cannot_take_is_refused(bus, target, headers, status, reason):
    response = post(bus, target, headers=headers)
    assert (response.status_code, response.json()["error"]) == (status, reason)
    assert bus.exchanges(response) == []


def test_a_client_acts_only_for_organizations_that_list_it(bus):
    path = f"/{unique('bus')}"
    named = bus.hub.new_client(roles=["clinics"])
    codes = {"A": {"api_code": "API-1", "allow": ["clinics"]}, "B": {"api_code": "API-3"}}
    bus.open_channel(path, codes)
    answers = [
        post(bus, path, json={}, headers={**named, "X-Organization": name}) for name in codes
    ]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert answers[1].json()["error"] == "Client may not act for this organization"
    assert [len(bus.exchanges(answer)) for answer in answers] == [1, 0]


@pytest.mark.parametrize(
    ("organization", "asked", "mode", "code"),
    [
        ("NHIF", "", "normal", "API-1"),
        ("NHIF", "push", "push", "PUSH-1"),
        ("NHIF", "NORMAL", "normal", "API-1"),
        ("Only-Push", "", "push", "PUSH-2"),
    ],
)
def test_the_mode_follows_from_what_is_asked_and_registered(bus, organization, asked, mode, code):
    headers = {"X-Organization": organization, "X-ESB-Mode": asked}
    response = post(bus, json={}, headers=headers)
    assert response.status_code == 200
    (exchange,) = bus.exchanges(response)
    assert (exchange["mode"], exchange["code"]) == (mode, code)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", "{}"),
        (b'{"requestdata": {"n": 1.5}, "other": 1}', '{"n":1.5}'),
        (b'{"data": {"requestdata": {}}}', '{"data":{"requestdata":{}}}'),
    ],
)
def test_requestdata_is_the_payload_where_it_is_given(bus, body, payload):
    assert f'"esb_body":{payload},' in post(bus, data=body, headers=NHIF).text


@pytest.mark.parametrize("body", [b"[1]", b"no json", b'{"requestdata": 5}', b"{} {}", b'"x"'])
def test_a_body_that_is_no_object_is_refused_and_kept_as_failed(bus, body):
    response = post(bus, data=body, headers=NHIF)
    assert response.status_code == 400
    kept = bus.hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["status"] == "failed"
    assert bus.exchanges(response) == []


def ended(bus, response):
    """An accepted call, once it has ended."""
    assert response.status_code == 202
    wait = {"Prefer": "wait=20"}
    return bus.hub.call("GET", response.headers["Location"], headers=wait).json()


def test_a_call_to_the_bus_can_be_asynchronous(bus):
    state = ended(bus, post(bus, "/bus?async=1", data=b'{"n": 1.5}', headers=NHIF))
    assert state["status"] == "successful"
    assert '"esb_body":{"n":1.5},' in state["response_body"]


def test_an_asynchronous_call_to_the_bus_is_found_and_kept_as_its_channel_says(bus):
    asked, indexed = unique("NIN-"), unique("NIN-")
    fields = [
        {"name": "asked", "kind": "json", "expression": "/patient"},
        {"name": "indexed", "kind": "json", "expression": "/esb_body/indexed"},
    ]
    path = f"/{unique('bus')}"
    masked = [{"kind": "json", "expression": "/esb_body/indexed"}]
    bus.open_channel(path, {"NHIF": CODES["NHIF"]}, indexed_fields=fields, masked_fields=masked)
    body = json.dumps({"patient": asked, "indexed": indexed}).encode()
    accepted = post(bus, f"{path}?async=1", data=body, headers=NHIF)
    assert ended(bus, accepted)["status"] == "successful"
    for value in (asked, indexed):
        found = bus.hub.api("GET", f"transactions/?about={value}")["data"]
        assert [one["correlation_id"] for one in found] == [accepted.headers["X-Correlation-Id"]]
    kept = bus.hub.transaction(accepted.headers["X-Correlation-Id"])
    assert asked in kept["response_body"]
    assert indexed not in kept["response_body"]


def test_an_unknown_outcome_of_an_asynchronous_call_is_not_repeated(bus):
    before = bus.seen("SILENT!reset")
    state = ended(bus, post(bus, "/bus?async=1", headers={"X-Organization": "Silent"}))
    assert state["status"] == "failed"
    assert "outcome unknown" in state["error_message"].lower()
    assert bus.seen("SILENT!reset") == before + 1


def test_pure_esb_sends_every_path_to_the_bus(pure_bus):
    for path in ("/anything", "/demo/echo"):
        response = post(pure_bus, path, json={"n": "1.10"}, headers=NHIF)
        assert (response.status_code, response.json()["esb_body"]) == (200, {"n": "1.10"})
        (exchange,) = pure_bus.exchanges(response)
        assert (exchange["code"], exchange["format"]) == ("GLOBAL-1", "xml")


def test_pure_esb_needs_an_organization_that_is_registered(pure_bus):
    assert post(pure_bus, "/anything").status_code == 400
    response = post(pure_bus, "/anything", headers={"X-Organization": unique("unknown")})
    assert response.status_code == 404
    assert pure_bus.exchanges(response) == []
