"""No call waits longer than it was told to: silence between pieces, a total, and for others."""

import threading
import time

import pytest
from hub import unique
from mediator_answers import after, trickle
from raw_client import send
from raw_mediator import answer
from systems import MOSTLY_EMBEDDED

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)


@pytest.fixture
def limited(hub, mediator):
    """Opens a channel with limits of its own; the path below it."""

    def open_channel(**limits: float) -> str:
        base = f"/{unique('limited')}"
        hub.new_channel(f"{base}/*", hub.new_mediator(mediator.url)["id"], **limits)
        hub.in_force()
        return base

    return open_channel


def test_an_answer_that_keeps_coming_ends_with_its_total_time(hub, mediator, limited, eventually):
    base = limited(timeout_s=2, total_timeout_s=4)
    mediator.on(f"{base}/trickle", trickle(60, every_s=0.5))
    got = send(hub, f"GET {base}/trickle HTTP/1.1")
    assert 3.5 < got.ended_s < 8
    assert 1 <= len(got.body) < 12
    kept = eventually(
        lambda: (row := hub.transaction(got.correlation_id))["status"] != "processing" and row
    )
    assert kept["status"] == "failed"
    assert kept["error_message"]


def test_without_a_total_of_its_own_a_channel_counts_silence_only(hub, mediator, limited):
    base = limited(timeout_s=1)
    mediator.on(f"{base}/trickle", trickle(8, every_s=0.5))
    got = send(hub, f"GET {base}/trickle HTTP/1.1")
    assert (got.status, got.body) == (200, b"x" * 8)


def test_silence_before_the_head_is_counted_in_the_channels_own_time(hub, mediator, limited):
    base, late = limited(timeout_s=1), threading.Event()
    mediator.on(f"{base}/late", after(late, answer(b"late")))
    got = send(hub, f"POST {base}/late HTTP/1.1", "Content-Length: 1", body=b"x")
    late.set()
    assert got.status == 504
    assert 0.8 < got.ended_s < 10
    assert "outcome unknown" in got.problem["error"].lower()


def test_slow_asynchronous_answers_keep_no_other_call_waiting(hub, base, mediator, eventually):
    """34 answers that trickle, then an ordinary asynchronous call."""
    stop = threading.Event()

    def drip(sock, _received):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
        for _ in range(60):
            sock.sendall(b"x")
            stop.wait(0.5)

    mediator.on(f"{base}/drip", drip)
    for _ in range(34):
        assert hub.call("POST", f"{base}/drip?async=1", data=b"x").status_code == 202
    try:
        began = time.monotonic()
        accepted = hub.call("POST", f"{base}/ordinary?async=1", data=b"x")
        headers = {"Prefer": "wait=10"}
        state = hub.call("GET", accepted.headers["Location"], headers=headers).json()
        took_s = time.monotonic() - began
    finally:
        stop.set()
    assert state["status"] == "successful"
    assert took_s < 10  # the answers take 30
    eventually(lambda: len(mediator.to(f"{base}/drip")) == 34)
