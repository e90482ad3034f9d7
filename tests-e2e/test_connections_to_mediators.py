"""Connections to mediators: kept, left when the other side closes, and many at once."""

import asyncio
import socket
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from certificates import write_certificate
from many_callers import call_at_once
from raw_client import send
from raw_mediator import RawMediator, answer, hang_up, slow

SLOW_CALLS = 1_150
RESTING = 20


def leave_connections_resting(hub, base, mediator) -> None:
    """As many as there are calls at once."""
    mediator.on(f"{base}/rest", slow(0.3, answer(b"ok")))
    with ThreadPoolExecutor(RESTING) as callers:
        calls = callers.map(lambda _: send(hub, f"GET {base}/rest HTTP/1.1"), range(RESTING))
        assert {one.status for one in calls} == {200}


@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET"])
def test_a_request_answered_by_closing_is_repeated_once_on_a_new_connection(
    hub, base, mediator, method
):
    mediator.on(f"{base}/gone", hang_up)
    leave_connections_resting(hub, base, mediator)
    resting = {one.connection for one in mediator.to(f"{base}/rest")}
    got = send(hub, f"{method} {base}/gone HTTP/1.1", "Content-Length: 0")
    assert got.status == 502
    tries = [one.connection for one in mediator.to(f"{base}/gone")]
    assert len(tries) <= 2
    assert not set(tries[1:]) & resting


def test_a_post_answered_by_closing_is_sent_once(hub, base, mediator):
    mediator.on(f"{base}/gone", hang_up)
    leave_connections_resting(hub, base, mediator)
    got = send(hub, f"POST {base}/gone HTTP/1.1", "Content-Length: 1", body=b"x")
    assert got.status == 502
    assert "outcome unknown" in got.problem["error"].lower()
    assert len(mediator.to(f"{base}/gone")) == 1


def test_an_asynchronous_request_answered_by_closing_is_not_sent_once_per_connection(
    hub, base, mediator
):
    mediator.on(f"{base}/gone", hang_up)
    leave_connections_resting(hub, base, mediator)
    accepted = hub.call("DELETE", f"{base}/gone?async=1")
    time.sleep(1.0)
    # Later tries of a call that may be repeated come one by one, after a pause.
    assert len(mediator.to(f"{base}/gone")) <= 2
    mediator.on(f"{base}/gone", answer(b"done"))
    state = hub.call("GET", accepted.headers["Location"], headers={"Prefer": "wait=20"}).json()
    assert state["status"] == "successful"


def test_a_connection_the_mediator_closed_while_it_rested_costs_nobody_a_call(hub, base, mediator):
    closed = threading.Semaphore(0)

    def answer_and_close(sock, received):
        answer(b"ok")(sock, received)
        sock.shutdown(socket.SHUT_RDWR)
        closed.release()
        return True

    mediator.on(f"{base}/closes", answer_and_close)
    for _ in range(30):
        got = send(hub, f"POST {base}/closes HTTP/1.1", "Content-Length: 1", body=b"x")
        assert got.status == 200
        assert closed.acquire(timeout=10)
    assert len(mediator.to(f"{base}/closes")) == 30


@pytest.mark.timeout(180)
def test_more_calls_at_once_than_a_process_has_small_descriptors(own_hub, tmp_path, eventually):
    """1,150 calls in flight, then 40 to a mediator with TLS."""
    certificate = write_certificate(tmp_path / "mediator.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    hub = own_hub(
        "embedded",
        services=["proxy"],
        MEDIATOR_FORWARD_TIMEOUT="60",
        SSL_CERT_FILE=str(certificate),
        REQUESTS_CA_BUNDLE=str(certificate),
    )
    plain, sealed = RawMediator(), RawMediator(tls=tls)
    for path, mediator in (("/plain/*", plain), ("/sealed/*", sealed)):
        hub.new_channel(path, hub.new_mediator(mediator.url)["id"])
    hub.in_force()
    release = threading.Event()

    def wait_for_release(sock, received):
        release.wait(90)
        answer(b"late")(sock, received)

    plain.on("/plain/slow", wait_for_release)
    held: list[int] = []
    holding = threading.Thread(
        target=lambda: held.extend(asyncio.run(call_at_once(hub, "/plain/slow", SLOW_CALLS)))
    )
    holding.start()
    eventually(lambda: len(plain.to("/plain/slow")) >= SLOW_CALLS, 60)
    others = asyncio.run(call_at_once(hub, "/sealed/quick", 40))
    release.set()
    holding.join()
    plain.close()
    sealed.close()
    assert Counter(others) == {200: 40}
    assert Counter(held) == {200: SLOW_CALLS}
