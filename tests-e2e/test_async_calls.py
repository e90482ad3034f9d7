"""Asynchronous calls: accepted at once, made by the worker, never lost, never blindly repeated."""

import signal
import threading
import time

import pytest
from hub import unique
from mediator_answers import after
from raw_mediator import RawMediator, answer, hang_up, slow
from systems import MOSTLY_PRODUCTION


def state(hub, correlation_id: str, wait: int = 0) -> dict:
    headers = {"Prefer": f"wait={wait}"} if wait else {}
    return hub.call("GET", f"/transactions/{correlation_id}/", headers=headers).json()


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?async=true", {}),
        ("?x=1&async=ON", {}),
        ("?ASYNC=true", {}),
        ("", {"X-Async": "yes"}),
        ("", {"Prefer": "respond-async, wait=5"}),
    ],
)
def test_an_asynchronous_call_is_accepted_at_once_and_made_by_the_worker(
    hub, base, mediator, query, headers
):
    accepted = threading.Event()
    mediator.on(f"{base}/a", after(accepted, answer(b"done", "200 OK", "Content-Type: text/plain")))
    response = hub.call("POST", f"{base}/a{query}", data=b"whole body", headers=headers)
    accepted.set()
    assert response.status_code == 202
    correlation_id = response.headers["X-Correlation-Id"]
    status_url = f"/transactions/{correlation_id}/"
    answered = response.json()
    assert answered.pop("message")
    assert answered == {
        "ok": True,
        "accepted": True,
        "correlation_id": correlation_id,
        "status_url": status_url,
    }
    assert response.headers["Location"] == status_url
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Preference-Applied"] == "respond-async"
    ended = state(hub, correlation_id, wait=10)
    assert (ended["status"], ended["response_status_code"]) == ("successful", 200)
    assert ended["response_body"] == "done"
    got = mediator.to(f"{base}/a")
    assert [one.body for one in got] == [b"whole body"]
    assert "async" not in got[0].target.lower()
    assert got[0].header("Prefer") == []
    assert got[0].header("X-Correlation-Id") == [correlation_id]


def test_whole_large_bodies_are_kept_for_the_worker(hub, base, mediator):
    body = bytes(range(256)) * 6000
    response = hub.call("POST", f"{base}/large?async=1", data=body)
    assert response.status_code == 202
    assert state(hub, response.headers["X-Correlation-Id"], wait=10)["status"] == "successful"
    assert mediator.to(f"{base}/large")[0].body == body


def test_a_mediator_that_is_away_is_tried_again(hub, mediator):
    away = RawMediator()
    away.close()
    record = hub.new_mediator(away.url)
    path = f"/away-{record['id'][-12:]}"
    hub.new_channel(path, record["id"])
    hub.in_force()
    correlation_id = hub.call("POST", f"{path}?async=1", data=b"x").headers["X-Correlation-Id"]
    time.sleep(1)
    assert state(hub, correlation_id)["status"] == "pending"
    hub.api("PATCH", f"mediators/{record['id']}/", 200, json={"endpoint_url": mediator.url})
    assert state(hub, correlation_id, wait=20)["status"] == "successful"
    assert len(mediator.to(path)) == 1


def test_a_post_whose_answer_was_lost_is_not_sent_again(hub, base, mediator):
    mediator.on(f"{base}/lost", hang_up)
    correlation_id = hub.call("POST", f"{base}/lost?async=1").headers["X-Correlation-Id"]
    ended = state(hub, correlation_id, wait=10)
    assert ended["status"] == "failed"
    assert "outcome unknown" in ended["error_message"]
    assert len(mediator.to(f"{base}/lost")) == 1


@pytest.mark.parametrize(
    ("method", "headers"), [("PUT", {}), ("POST", {"Idempotency-Key": "async-once"})]
)
def test_what_cannot_act_twice_is_sent_again(hub, base, mediator, method, headers):
    answers = iter([hang_up, answer(b"ok")])
    mediator.on(f"{base}/again", lambda sock, received: next(answers)(sock, received))
    response = hub.call(method, f"{base}/again?async=1", data=b"x", headers=headers)
    assert state(hub, response.headers["X-Correlation-Id"], wait=15)["status"] == "successful"
    assert len(mediator.to(f"{base}/again")) == 2


@pytest.mark.parametrize("query", ["?async=false", "?Async=0"])
def test_the_query_wins_over_the_preference(hub, base, query):
    response = hub.call("POST", f"{base}/s{query}", headers={"Prefer": "respond-async"})
    assert (response.status_code, response.json()) == (200, {"ok": True})


def test_a_refused_asynchronous_call_is_refused_at_once(hub, base):
    response = hub.call("POST", f"/no-such-channel{base}?async=1")
    assert response.status_code == 404


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_no_accepted_call_is_lost_when_worker_and_web_process_are_killed(
    shape, breakable, mediator, eventually
):
    """SIGKILL the worker in the middle of calls, then the web process: nothing accepted is lost."""
    hub = breakable(shape)
    base = f"/b/{unique('k')}"
    hub.in_force()
    mediator.on(f"{base}/slow", slow(2.0, answer(b"late")))
    in_hand = [_accept(hub, "POST", f"{base}/slow?async=1") for _ in range(4)]
    eventually(lambda: len(mediator.to(f"{base}/slow")) == 4)
    hub.stack.stop_process("proxy-worker", signal.SIGKILL)
    waiting = [_accept(hub, "POST", f"{base}/quick/{at}?async=1") for at in range(30)]
    puts = [_accept(hub, "PUT", f"{base}/put/{at}?async=1") for at in range(5)]
    hub.stack.kill("proxy-gateway", signal.SIGKILL)
    hub.stack.start_process("proxy-worker")
    eventually(lambda: _alive(hub))
    for correlation_id in in_hand:
        ended = _ended(hub, correlation_id, eventually)
        assert ended["status"] == "failed"
        assert "outcome unknown" in ended["error_message"]
    for correlation_id in [*waiting, *puts]:
        assert _ended(hub, correlation_id, eventually)["status"] == "successful"
    assert len(mediator.to(f"{base}/slow")) == 4
    for at in range(30):
        assert len(mediator.to(f"{base}/quick/{at}")) == 1


@pytest.mark.parametrize("shape", MOSTLY_PRODUCTION)
def test_a_call_in_hand_of_a_killed_web_process_ends_as_interrupted(
    shape, breakable, mediator, eventually
):
    hub = breakable(shape)
    path = f"/b/{unique('w')}"
    hub.in_force()
    mediator.on(path, slow(2.5, answer(b"late")))
    calls = threading.Thread(target=lambda: hub.call("POST", path))
    calls.start()
    eventually(lambda: mediator.to(path))
    hub.stack.kill("proxy-gateway", signal.SIGKILL)
    calls.join()
    correlation_id = mediator.to(path)[0].header("X-Correlation-Id")[0]
    eventually(lambda: _alive(hub))
    ended = _ended(hub, correlation_id, eventually)
    assert (ended["status"], ended["error_message"]) == ("failed", "interrupted, outcome unknown")


def _accept(hub, method: str, target: str) -> str:
    response = hub.call(method, target, data=b"body")
    assert response.status_code == 202
    return response.headers["X-Correlation-Id"]


def _alive(hub) -> bool:
    return hub.session.get(f"{hub.url}/health/", timeout=10).status_code == 200


def _ended(hub, correlation_id: str, eventually) -> dict:
    return eventually(
        lambda: (found := state(hub, correlation_id, wait=5)).get("is_terminal") and found, 60
    )
