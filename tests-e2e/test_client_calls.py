"""What clients can ask for beyond a plain call: once only, by channel id, over TCP."""

import socket
import threading

import pytest
from raw_mediator import answer, slow
from systems import systems


def test_the_same_key_gets_the_first_answer_again(hub, base, mediator):
    mediator.on(f"{base}/once", answer(b'{"id":1}', "201 Created", "Set-Cookie: a=1", "X-N: 1"))
    headers = {"Idempotency-Key": base}
    first = hub.call("POST", f"{base}/once", json={"n": 1}, headers=headers)
    again = hub.call("POST", f"{base}/once", json={"n": 1}, headers=headers)
    assert (again.status_code, again.content) == (201, b'{"id":1}')
    assert again.headers["X-N"] == "1"
    assert again.headers["X-Correlation-Id"] == first.headers["X-Correlation-Id"]
    assert len(mediator.to(f"{base}/once")) == 1


def test_the_same_key_with_another_request_is_refused(hub, base):
    headers = {"Idempotency-Key": base}
    hub.call("POST", f"{base}/once", json={"n": 1}, headers=headers)
    for path, body in ((f"{base}/once", {"n": 2}), (f"{base}/other", {"n": 1})):
        response = hub.call("POST", path, json=body, headers=headers)
        assert response.status_code == 422


def test_keys_belong_to_their_client(hub, base, mediator):
    other = hub.new_client()
    hub.in_force()
    for client in ({}, other):
        hub.call("POST", f"{base}/k", data=b"x", headers={**client, "Idempotency-Key": base})
    assert len(mediator.to(f"{base}/k")) == 2


def test_a_key_whose_first_call_goes_on_is_in_use(hub, base, mediator):
    mediator.on(f"{base}/long", slow(1.5, answer(b"done")))
    headers = {"Idempotency-Key": base}
    results = []
    calls = [
        threading.Thread(
            target=lambda: results.append(
                hub.call("POST", f"{base}/long", headers=headers, data=b"x").status_code
            )
        )
        for _ in range(4)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert sorted(results) == [200, 409, 409, 409]
    assert len(mediator.to(f"{base}/long")) == 1


def test_an_accepted_key_gives_the_same_acceptance(hub, base, mediator):
    headers = {"Idempotency-Key": base, "Prefer": "respond-async"}
    answers = [hub.call("POST", f"{base}/a", data=b"x", headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    hub.call("GET", answers[0].headers["Location"], headers={"Prefer": "wait=10"})
    assert len(mediator.to(f"{base}/a")) == 1


def test_a_call_by_channel_id_reaches_the_mediator_as_it_is_spelled(
    hub, base, mediator, shared_channel
):
    raw = (
        f'{{"channel_id": "{shared_channel["id"]}", "method": "PUT", "path": "{base}/by%20id",'
        ' "query": "a=1&a=2", "headers": {"X-Ward": "7"},'
        ' "body": {"n": 1.10, "big": 12345678901234567890}}'
    )
    response = hub.call(
        "POST", "/integration/call", data=raw, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200, response.text
    got = mediator.received[-1]
    assert got.request_line == f"PUT {base}/by%20id?a=1&a=2 HTTP/1.1"
    assert got.body == b'{"n": 1.10, "big": 12345678901234567890}'
    assert got.header("X-Ward") == ["7"]
    assert got.header("Content-Type") == ["application/json"]
    assert got.header("X-Client-Secret") == []
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["request_url"] == f"{base}/by%20id?a=1&a=2"


def test_a_call_by_channel_id_can_be_asynchronous(hub, mediator, shared_channel):
    given = {"channel_id": shared_channel["id"], "async": True, "body": "plain text"}
    response = hub.call("POST", "/integration/call", json={**given, "content_type": "text/plain"})
    assert response.status_code == 202
    state = hub.call("GET", response.headers["Location"], headers={"Prefer": "wait=10"})
    assert state.json()["status"] == "successful"
    assert mediator.to("/t/")[-1].body == b"plain text"


def test_a_call_by_channel_id_keeps_the_rules_of_calls(hub, shared_channel):
    channel_id = shared_channel["id"]
    url = f"{hub.url}/integration/call"
    assert hub.session.post(url, json={"channel_id": channel_id}, timeout=9).status_code == 401
    unknown = {"channel_id": "00000000-0000-7000-8000-000000000000"}
    assert hub.call("POST", "/integration/call", json=unknown).status_code == 404
    for wrong in ({"channel_id": "x"}, {"path": "//../x"}, {"headers": {"A b": "1"}}):
        given = {"channel_id": channel_id, **wrong}
        assert hub.call("POST", "/integration/call", json=given).status_code == 422, wrong


def test_a_tcp_channel_writes_the_body_and_answers_what_comes_back(hub):
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as file:
                peer.sendall(b"ACK " + file.read())

    thread = threading.Thread(target=serve)
    thread.start()
    record = hub.new_mediator(f"tcp://127.0.0.1:{server.getsockname()[1]}")
    path = f"/tcp-{record['id'][-12:]}"
    hub.new_channel(path, record["id"], channel_type="tcp")
    hub.in_force()
    for _ in range(2):
        assert b"ACK MSH|" in hub.call("POST", path, data=b"MSH|").content
    thread.join()
    server.close()


@pytest.fixture(scope="module")
def merging(tmp_path_factory):
    """A system in merged log mode, in which mediators send heartbeats."""
    settings = {"TRANSACTION_LOG_MODE": "merged", "MEDIATOR_HEARTBEAT_TIMEOUT": "1"}
    with systems(tmp_path_factory.mktemp("merging")) as start:
        yield start("embedded", services=["proxy"], **settings)


def test_a_mediator_that_stops_sending_heartbeats_goes_offline(merging, mediator, eventually):
    hub = merging
    record = hub.new_mediator(mediator.url)
    hub.new_channel("/beats", record["id"])
    hub.in_force()
    hub.api("POST", f"mediators/{record['urn']}/heartbeat/", 200, json={"uptime": 5})
    eventually(lambda: hub.call("GET", "/beats").status_code == 503)
    hub.api("POST", f"mediators/{record['urn']}/heartbeat/", 200, json={"uptime": 6})
    eventually(lambda: hub.call("GET", "/beats").status_code == 200)


def test_a_change_is_in_force_in_every_process_within_a_second(hub, base, mediator):
    base = base.replace("/t/", "/u/")
    channel = hub.new_channel(f"{base}/*", hub.new_mediator(mediator.url)["id"])
    took_s = []
    for pattern in (f"{base}/moved/*", f"{base}/*") * 2:
        hub.api("PATCH", f"channels/{channel['id']}/", 200, json={"path_pattern": pattern})
        took_s.append(hub.in_force())
        probe = f"{base}/moved/x" if "moved" in pattern else f"{base}/x"
        assert {hub.call("GET", probe).status_code for _ in range(12)} == {200}
        gone = {hub.call("GET", f"{base}/only-before").status_code for _ in range(12)}
        assert gone == ({404} if "moved" in pattern else {200})
    assert min(took_s) < 1.0, "a loaded machine may be late, not each time"


def test_a_failed_call_can_be_rerun(hub, base, mediator, eventually):
    mediator.on(f"{base}/flaky", answer(b"no", "500 Oops"))
    failed = hub.call("POST", f"{base}/flaky?a=%20", data=b"keep me").headers["X-Correlation-Id"]
    mediator.on(f"{base}/flaky", answer(b"yes"))
    rerun = hub.api("POST", f"transactions/{failed}/rerun/", 202)
    again = eventually(
        lambda: (row := hub.transaction(rerun["correlation_id"]))["status"] == "successful" and row
    )
    assert again["parent_id"] == failed
    got = mediator.to(f"{base}/flaky")[-1]
    assert (got.body, got.target) == (b"keep me", f"{base}/flaky?a=%20")


def test_merged_log_mode_keeps_the_same_record(merging, mediator):
    hub = merging
    record = hub.new_mediator(mediator.url)
    hub.new_channel("/m/*", record["id"])
    hub.in_force()
    response = hub.call("POST", "/m/y", data=b"body")
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert (kept["status"], kept["request_body"]) == ("successful", "body")
