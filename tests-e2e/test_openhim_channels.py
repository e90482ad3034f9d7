"""Mediators and channels as OpenHIM has them: wrapped answers, and what a channel may say."""

import base64
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from hub import unique
from raw_mediator import RawMediator, Responder, answer, hang_up, slow

WRAPPED = "Content-Type: application/json+openhim"
SECRET = "s3cret-in-a-step"


def report(**members: Any) -> bytes:
    """A mediator's answer, wrapped."""
    step = {
        "name": "Look up",
        "request": {
            "host": "registry.example",
            "method": "GET",
            "path": "/patients/17",
            "headers": {"Authorization": SECRET},
            "timestamp": "2026-05-01T12:00:00.000Z",
        },
        "response": {"status": 200, "body": "found", "timestamp": "2026-05-01T12:00:00.250Z"},
    }
    response = {"status": 201, "headers": {"Content-Type": "text/xml"}, "body": "<made/>"}
    return json.dumps(
        {
            "x-mediator-urn": "urn:mediator:test",
            "status": "Completed with error(s)",
            "response": response,
            "orchestrations": [step],
            "properties": {"patient": "17"},
            "error": {"message": "the registry was slow"},
            **members,
        }
    ).encode()


def wrapped(**members: Any) -> Responder:
    return answer(report(**members), "200 OK", WRAPPED)


def ended(hub, accepted) -> dict:
    state: dict = hub.call(
        "GET", accepted.headers["Location"], headers={"Prefer": "wait=20"}
    ).json()
    assert state["is_terminal"], state
    return state


def test_caller_gets_the_response_and_the_record_the_report(hub, base, mediator):
    patient = unique("patient")
    mediator.on(f"{base}/x", wrapped(properties={"patient": patient}))
    got = hub.call("POST", f"{base}/x", data=b"a")
    assert (got.status_code, got.content) == (201, b"<made/>")
    assert got.headers["Content-Type"] == "text/xml"
    kept = hub.transaction(got.headers["X-Correlation-Id"])
    assert (kept["status"], kept["response_body"]) == ("completed with errors", "<made/>")
    assert kept["error_message"] == "the registry was slow"
    assert kept["orchestrations"][0]["request"]["headers"] == {"Authorization": "***"}
    assert SECRET not in json.dumps(kept)
    found = hub.api("GET", "transactions/", 200, params={"properties.patient": patient})
    assert [one["correlation_id"] for one in found["data"]] == [kept["correlation_id"]]


def test_own_status_of_a_mediator_wins(hub, base, mediator):
    mediator.on(f"{base}/failed", wrapped(status="Failed", error=None))
    got = hub.call("GET", f"{base}/failed")
    assert got.status_code == 201
    assert hub.transaction(got.headers["X-Correlation-Id"])["status"] == "failed"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_without_one_the_answer_is_judged(hub, base, mediator, status):
    expected = {200: "successful", 404: "completed", 500: "failed"}[status]
    mediator.on(f"{base}/{status}", wrapped(status=None, response={"status": status}))
    got = hub.call("GET", f"{base}/{status}")
    assert got.status_code == status
    assert hub.transaction(got.headers["X-Correlation-Id"])["status"] == expected


def test_worker_and_calls_by_channel_id_unwrap_too(hub, base, shared_channel, mediator):
    mediator.on(f"{base}/x", wrapped())
    accepted = hub.call("POST", f"{base}/x?async=true", data=b"a")
    state = ended(hub, accepted)
    assert (state["status"], state["response_body"]) == ("completed with errors", "<made/>")
    whole = hub.call("GET", f"{accepted.headers['Location']}response/")
    assert (whole.status_code, whole.content) == (201, b"<made/>")
    kept = hub.transaction(state["correlation_id"])
    assert kept["properties"] == {"patient": "17"}
    assert [one["name"] for one in kept["orchestrations"]] == ["Look up"]
    given = {"channel_id": shared_channel["id"], "path": f"{base}/x", "body": None}
    got = hub.call("POST", "/integration/call", json=given)
    assert (got.status_code, got.content) == (201, b"<made/>")


@pytest.mark.parametrize("body", [b"not json", b'{"response": 1}', b" " * (17 << 20)])
def test_report_that_cannot_be_read_is_passed_on_as_it_is(hub, base, mediator, body):
    mediator.on(f"{base}/bad", answer(body, "202 Accepted", WRAPPED))
    got = hub.call("GET", f"{base}/bad")
    assert (got.status_code, got.content) == (202, body)
    assert got.headers["Content-Type"] == "application/json+openhim"
    kept = hub.transaction(got.headers["X-Correlation-Id"])
    assert kept["status"] == "successful"
    assert "was passed on as it is" in kept["error_message"]


# --- channels


@pytest.fixture(scope="session")
def channels(hub, shared_mediator) -> dict[str, str]:
    """Channels of many kinds below a path of their own, by their names: where to call them."""
    record, start = hub.new_mediator(shared_mediator.url), f"/{unique('o')}"
    kinds: dict[str, dict[str, Any]] = {
        "rewritten": {"rewrite_expression": r"s/o-[0-9a-f]+\/rewritten/api\/v2/g"},
        "fixed": {"rewrite_path": "/fixed/path"},
        "climbing": {"rewrite_expression": "s/x//g"},
        "public": {"is_public": True, "allow": ["nobody-in-particular"]},
        "bound": {"is_public": True, "allowed_addresses": ["192.0.2.0/24"]},
        "plain": {},
        "silent": {"tell_client": False, "forward_authorization": True},
        "queued": {"always_async": True},
        "addresses": {"rewrite_urls": True},
    }
    for name, fields in kinds.items():
        hub.new_channel(f"{start}/{name}/*", record["id"], **fields)
    expression = {"kind": "json", "expression": "resourceType", "value": "Bundle"}
    matched: list[dict[str, Any]] = [
        {"priority": 1, "match_body": expression, "rewrite_path": "/bundles"},
        {"priority": 2, "match_content_types": ["text/xml"], "rewrite_path": "/xml"},
        {"priority": 3, "methods": ["PUT"], "rewrite_path": "/put"},
    ]
    for fields in matched:
        hub.new_channel(f"^{start}/matched$", record["id"], **fields)
    hub.in_force()
    return {name: f"{start}/{name}" for name in (*kinds, "matched")}


def without_credentials(hub, method: str, path: str, **kwargs: Any) -> Any:
    return hub.session.request(method, hub.url + path, timeout=30, **kwargs)


def test_paths_are_rewritten(hub, channels, mediator):
    assert hub.call("GET", f"{channels['rewritten']}/P%2F1?a=%20b").status_code == 200
    assert hub.call("GET", f"{channels['fixed']}/whatever?a=1").status_code == 200
    climbing = hub.call("GET", f"{channels['climbing']}/.x./a")
    assert climbing.status_code == 400
    targets = [one.target for one in mediator.received]
    assert targets == ["/api/v2/P%2F1?a=%20b", "/fixed/path?a=1"]


def test_public_channels_let_in_who_names_nobody(hub, channels, mediator):
    got = without_credentials(hub, "GET", f"{channels['public']}/a")
    assert got.status_code == 200
    assert hub.transaction(got.headers["X-Correlation-Id"])["client"] == ""
    basic = without_credentials(hub, "GET", f"{channels['public']}/a", auth=("theirs", "x"))
    assert basic.status_code == 200
    wrong = hub.call("GET", f"{channels['public']}/a", headers={"X-Client-Secret": "wrong"})
    assert wrong.status_code == 403
    for name in ("plain", "matched", "nowhere"):
        path = channels.get(name, "/nowhere")
        assert without_credentials(hub, "GET", f"{path}/a").status_code == 401
    assert without_credentials(hub, "GET", f"{channels['bound']}/a").status_code == 403
    assert hub.call("GET", f"{channels['bound']}/a").status_code == 403
    assert all(not one.header("X-OpenHIM-ClientID") for one in mediator.received)


def test_nobody_has_no_idempotency_key(hub, channels, mediator):
    for body in ("a", "b"):
        headers = {"Idempotency-Key": "one"}
        got = without_credentials(
            hub, "POST", f"{channels['public']}/k", data=body, headers=headers
        )
        assert got.status_code == 200
    assert [one.body for one in mediator.received] == [b"a", b"b"]


def test_mediator_learns_who_calls_and_which_transaction_it_is(hub, channels, mediator):
    forged = {"X-OpenHIM-ClientID": "root", "X-Client-Name": "Root", "Authorization": "Bearer t"}
    got = hub.call("GET", f"{channels['plain']}/a", headers=forged)
    hub.call("GET", f"{channels['silent']}/a", headers=forged)
    said, silent = mediator.received
    assert said.header("X-OpenHIM-ClientID") == [hub.stack.demo_client_id]
    assert len(said.header("X-Client-Name")) == 1
    assert said.header("X-Client-Name") != ["Root"]
    assert said.header("Authorization") == []
    (short_id,) = said.header("X-OpenHIM-TransactionID")
    assert short_id == got.headers["X-Correlation-Id"].replace("-", "")[:24]
    state = hub.call("GET", f"/transactions/{short_id}/").json()
    assert state["correlation_id"] == got.headers["X-Correlation-Id"]
    assert hub.call("GET", f"/transactions/{'0' * 24}/").status_code == 404
    assert silent.header("X-OpenHIM-ClientID") == silent.header("X-Client-Name") == []
    assert silent.header("Authorization") == ["Bearer t"]


def test_channel_that_is_always_asynchronous_accepts_every_call(hub, channels, mediator):
    accepted = hub.call("POST", f"{channels['queued']}/a?async=false", data=b"x")
    assert accepted.status_code == 202
    assert ended(hub, accepted)["status"] == "successful"
    assert mediator.received[0].header("X-OpenHIM-ClientID") == [hub.stack.demo_client_id]


def test_channels_of_one_path_are_chosen_by_contents_and_method(hub, channels, mediator):
    path = channels["matched"]
    bundle = b'{"resourceType":"Bundle","padding":"' + b"a" * 300_000 + b'"}'
    hub.call("POST", path, data=bundle)
    hub.call("POST", path, data=b"<a/>", headers={"Content-Type": "text/xml; charset=utf-8"})
    hub.call("PUT", path, json={"resourceType": "Patient"})
    assert [one.target for one in mediator.received] == ["/bundles", "/xml", "/put"]
    assert mediator.received[0].body == bundle
    nothing = hub.call("POST", path, json={"resourceType": "Patient"})
    assert nothing.status_code == 404


def test_addresses_in_answers_become_the_hubs(hub, channels, mediator):
    path, own = f"{channels['addresses']}/a", mediator.url
    body = json.dumps({"next": f"{own}{channels['addresses']}/b", "pad": "a" * 400_000}).encode()
    headers = ("Content-Type: application/fhir+json", f"Location: {own}/c")
    mediator.on(path, answer(body, "201 Created", *headers))
    got = hub.call("GET", path, headers={"Accept-Encoding": "gzip"})
    assert got.headers["Location"] == f"{hub.url}/c"
    assert hub.call("GET", got.json()["next"].removeprefix(hub.url)).status_code == 200
    assert own not in got.text
    assert mediator.received[0].header("Accept-Encoding") == []
    mediator.on(path, wrapped(response={"status": 200, "body": f"see {own}/d"}))
    assert hub.call("GET", path).text == f"see {hub.url}/d"


# --- what a mediator is shown


def test_mediator_is_shown_its_own_credentials(hub, shared_mediator, mediator):
    path, secret = f"/{unique('shown')}", unique("secret")
    credentials = {"kind": "basic", "name": "hub", "secret": secret}
    record = hub.new_mediator(shared_mediator.url, credentials=credentials)
    hub.new_channel(f"{path}/*", record["id"], forward_authorization=True)
    hub.in_force()
    hub.call("GET", f"{path}/a", headers={"Authorization": "Bearer of-the-caller"})
    ended(hub, hub.call("POST", f"{path}/b?async=true", data=b"x"))
    expected = f"Basic {base64.b64encode(f'hub:{secret}'.encode()).decode()}"
    assert [one.header("Authorization") for one in mediator.received] == [[expected]] * 2
    assert secret not in json.dumps(hub.api("GET", f"mediators/{record['id']}/", 200))


def test_mediator_with_authorities_of_its_own_asks_for_our_certificate(hub, tmp_path):
    theirs, ours = (write_certificate(tmp_path / name) for name in ("theirs.pem", "ours.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(theirs)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ours)
    (theirs_pem, _), (ours_pem, key) = _parts(theirs), _parts(ours)
    known = {
        "ca_certificates": theirs_pem,
        "client_certificate": ours_pem,
        "client_key": key,
    }
    mediator = RawMediator(tls=tls)
    start = f"/{unique('tls')}"
    hub.new_channel(f"{start}/known", hub.new_mediator(mediator.url, **known)["id"])
    hub.new_channel(f"{start}/unknown", hub.new_mediator(mediator.url)["id"])
    hub.in_force()
    try:
        assert [hub.call("GET", f"{start}/known").status_code for _ in range(2)] == [200, 200]
        assert hub.call("GET", f"{start}/unknown").status_code == 502
        assert {one.connection for one in mediator.received} == {1}
    finally:
        mediator.close()


def _parts(path: Path) -> tuple[str, str]:
    key, mark, certificate = path.read_text().partition("-----BEGIN CERTIFICATE-----")
    return mark + certificate, key


# --- secondary routes


@pytest.fixture(scope="session")
def routed(hub, shared_mediator) -> str:
    """Where a channel with secondary routes is called."""
    record, start = hub.new_mediator(shared_mediator.url), f"/{unique('r')}"
    secret = {"kind": "header", "name": "X-Archive", "secret": SECRET}
    routes = [
        {"name": "waits", "mediator_id": record["id"], "wait": True, "rewrite_path": "/waits"},
        {
            "name": "later",
            "url": shared_mediator.url,
            "rewrite_path": "/later",
            "credentials": secret,
            "forward_authorization": True,
            "status_check": "2xx",
        },
        {"name": "off", "url": shared_mediator.url, "is_active": False, "rewrite_path": "/off"},
    ]
    hub.new_channel(f"{start}/*", record["id"], routes=routes)
    hub.in_force()
    return start


def steps_of(kept: dict) -> dict[str, dict]:
    return {one["name"]: one for one in kept["orchestrations"]}


def test_a_call_goes_on_every_route_and_each_is_on_record(hub, routed, mediator, eventually):
    path = f"{routed}/a"
    got = hub.call("POST", path, data=b"body", headers={"Authorization": "Bearer t"})
    assert got.status_code == 200
    kept = eventually(lambda: _with_steps(hub, got, 2))
    assert kept["status"] == "successful"
    assert {one.target: one.body for one in mediator.received} == {
        path: b"body",
        "/waits": b"body",
        "/later": b"body",
    }
    (later,) = mediator.to("/later")
    assert (later.header("X-Archive"), later.header("Authorization")) == ([SECRET], ["Bearer t"])
    assert mediator.to("/waits")[0].header("Authorization") == []
    assert steps_of(kept)["later"]["request"]["headers"]["X-Archive"] == "***"
    assert steps_of(kept)["waits"]["response"]["status"] == 200
    assert SECRET not in json.dumps(kept)


def _with_steps(hub, got, count: int) -> dict | None:
    kept = hub.transaction(got.headers["X-Correlation-Id"])
    return kept if len(kept["orchestrations"]) == count else None


@pytest.mark.parametrize(
    ("route", "status", "primary", "expected"),
    [
        ("/waits", "500 No", 200, "completed with errors"),
        ("/waits", "404 No", 200, "completed"),
        ("/later", "404 No", 200, "completed with errors"),  # its check says so
        ("/later", "200 OK", 404, "completed"),
        ("/waits", "500 No", 503, "failed"),
    ],
)
def test_final_status_is_judged_by_all_routes(
    hub, routed, mediator, eventually, route, status, primary, expected
):
    path = f"{routed}/judged"
    mediator.on(route, answer(b"", status))
    mediator.on(path, answer(b"", f"{primary} X"))
    got = hub.call("POST", path, data=b"x")
    assert got.status_code == primary
    eventually(lambda: (kept := _with_steps(hub, got, 2)) and kept["status"] == expected)
    accepted = hub.call("POST", f"{path}?async=true", data=b"x")
    assert ended(hub, accepted)["status"] == expected


def test_answer_waits_for_those_routes_only_that_it_shall_wait_for(
    hub, routed, mediator, eventually
):
    mediator.on("/later", slow(5.0, hang_up))
    mediator.on("/waits", slow(0.4, answer(b"waited")))
    began = time.monotonic()
    got = hub.call("POST", f"{routed}/slow", data=b"x")
    assert 0.4 <= time.monotonic() - began < 4.5
    early = hub.transaction(got.headers["X-Correlation-Id"])
    assert (early["status"], list(steps_of(early))) == ("successful", ["waits"])
    kept = eventually(lambda: _with_steps(hub, got, 2))
    assert "outcome unknown" in steps_of(kept)["later"]["error"]["message"]
    assert kept["status"] == "completed with errors"
    assert len(mediator.to("/later")) == 1
