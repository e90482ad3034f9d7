"""Asynchronous calls that are the mediator's own, and answers that are fetched to the byte."""

import gzip
import json
import time

from hub import unique
from raw_mediator import answer

FHIR = "Content-Type: application/fhir+json; fhirVersion=4.0"


def ended(hub, accepted) -> dict:
    headers = {"Prefer": "wait=20"}
    state: dict = hub.call("GET", accepted.headers["Location"], headers=headers).json()
    assert state["is_terminal"], state
    return state


def whole(hub, accepted, **options):
    return hub.call("GET", f"{accepted.headers['Location']}response/", **options)


def test_the_whole_answer_of_an_asynchronous_call_can_be_fetched(hub, base, mediator):
    bundle = b'{"resourceType":"Bundle","type":"searchset","x":"' + b"a" * 5_000_000
    bundle = bundle[: 5_000_014 - 2] + b'"}'
    assert len(bundle) == 5_000_014
    mediator.on(f"{base}/Patient", answer(bundle, "200 OK", FHIR))
    accepted = hub.call("GET", f"{base}/Patient?async=true")
    assert ended(hub, accepted)["status"] == "successful"
    fetched = whole(hub, accepted)
    assert fetched.status_code == 200
    assert fetched.headers["Content-Type"] == FHIR.partition(": ")[2]
    assert fetched.content == bundle


def test_a_fetched_answer_has_its_own_status_and_coding(hub, base, mediator):
    packed = gzip.compress(json.dumps({"issue": ["Náomi"] * 50}).encode())
    headers = ("Content-Type: application/json", "Content-Encoding: gzip")
    mediator.on(f"{base}/no", answer(packed, "422 Unprocessable Content", *headers))
    accepted = hub.call("POST", f"{base}/no?async=true", data=b"x")
    ended(hub, accepted)
    fetched = whole(hub, accepted, stream=True)
    assert fetched.status_code == 422
    assert fetched.headers["Content-Encoding"] == "gzip"
    assert fetched.raw.read(decode_content=False) == packed


def test_an_answer_is_fetched_by_its_own_client_only(hub, base, mediator):
    mediator.on(f"{base}/mine", answer(b"mine"))
    accepted = hub.call("POST", f"{base}/mine?async=true", data=b"x")
    ended(hub, accepted)
    other = hub.new_client()
    hub.in_force()
    assert whole(hub, accepted, headers=other).status_code == 404
    assert whole(hub, accepted, headers={"X-Client-Secret": "wrong"}).status_code == 403
    assert whole(hub, accepted).content == b"mine"


def test_an_answer_that_has_not_come_cannot_be_fetched(hub, base, mediator):
    def wait(sock, received):
        time.sleep(2)
        answer(b"late")(sock, received)

    mediator.on(f"{base}/slow", wait)
    accepted = hub.call("POST", f"{base}/slow?async=true", data=b"x")
    early = whole(hub, accepted)
    assert early.status_code in (404, 409)
    assert early.headers["Content-Type"] == "application/problem+json"
    ended(hub, accepted)
    assert whole(hub, accepted).content == b"late"


def test_a_channel_may_leave_asynchronous_calls_to_its_mediator(hub, mediator):
    base = f"/{unique('export')}"
    record = hub.new_mediator(mediator.url)
    hub.new_channel(f"{base}/*", record["id"], async_passthrough=True)
    hub.in_force()
    place = "Content-Location: http://mediator.example/jobs/1"
    mediator.on(f"{base}/$export", answer(b"", "202 Accepted", place))
    headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
    export = hub.call("GET", f"{base}/$export", headers=headers)
    assert (export.status_code, export.content) == (202, b"")
    assert export.headers["Content-Location"] == place.partition(": ")[2]
    assert mediator.received[-1].header("Prefer") == ["respond-async"]
    hub.call("POST", f"{base}/dataValueSets?async=true&dryRun=1", data=b"{}")
    assert mediator.received[-1].target == f"{base}/dataValueSets?async=true&dryRun=1"
