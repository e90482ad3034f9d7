"""What every provider behind HTTP has in common: refusals, time-outs, broken connections."""

import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from notification.transports import Outcome
from notification.transports.sms.dialect import retry_after_s
from raw_mediator import answer, hang_up, raw_answer, slow

OK = answer(b'{"message_id": "m1"}')


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.REFUSED_FOR_NOW),
        (400, Outcome.REFUSED_FOR_GOOD),
        (401, Outcome.REFUSED_FOR_NOW),
        (402, Outcome.REFUSED_FOR_NOW),
        (404, Outcome.REFUSED_FOR_GOOD),
        (408, Outcome.REFUSED_FOR_NOW),
        (422, Outcome.REFUSED_FOR_GOOD),
        (429, Outcome.REFUSED_FOR_NOW),
        (500, Outcome.REFUSED_FOR_NOW),
        (503, Outcome.REFUSED_FOR_NOW),
    ],
)
def test_a_status_that_is_not_2xx_is_a_refusal(
    gateway: Any, way: Callable, message: Callable, status: int, outcome: Outcome
) -> None:
    gateway.says(status, b"<html>no</html>", "Location: http://127.0.0.1:9/")
    (result,) = way("generic", url=gateway.url).send([message()])
    assert (result.outcome, result.error) == (outcome, f"generic answered {status}")
    assert result.response == {"http_status": status}
    assert len(gateway.calls) == 1


def test_retry_after_is_honoured(gateway: Any, way: Callable, message: Callable) -> None:
    gateway.says(429, b"", "Retry-After: 120")
    (result,) = way("beem", url=gateway.url, api_key="k", secret_key="s").send([message()])
    assert (result.outcome, result.retry_after_s) == (Outcome.REFUSED_FOR_NOW, 120.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 10:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("9" * 400, 999_999_999.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("Sun, 99 Nov 2026 10:02:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, datetime(2026, 11, 22, 10, 0, tzinfo=UTC)) == seconds


def test_nobody_there_is_a_refusal_for_now(gateway: Any, way: Callable, message: Callable) -> None:
    gateway.server.close()
    results = way("generic", url=gateway.url).send([message()] * 3)
    assert {result.outcome for result in results} == {Outcome.REFUSED_FOR_NOW}


@pytest.mark.parametrize(
    "responder",
    [
        hang_up,
        raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", close=True),
        raw_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", close=True),
        raw_answer(b"SMTP 220 hello\r\n\r\n", close=True),
    ],
)
def test_an_answer_that_does_not_come_whole_leaves_the_outcome_unknown(
    gateway: Any, way: Callable, message: Callable, responder: Any
) -> None:
    gateway.server.default = responder
    (result,) = way("generic", url=gateway.url).send([message()])
    assert result.outcome is Outcome.UNKNOWN
    assert len(gateway.calls) == 1


def test_a_refusal_without_its_whole_body_is_a_refusal(
    gateway: Any, way: Callable, message: Callable
) -> None:
    broken = b"HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 50\r\n\r\n{"
    gateway.server.default = raw_answer(broken, close=True)
    (result,) = way("generic", url=gateway.url).send([message()])
    assert (result.outcome, result.retry_after_s) == (Outcome.REFUSED_FOR_NOW, 9.0)


def test_no_answer_in_time_leaves_the_outcome_unknown(
    gateway: Any, way: Callable, message: Callable
) -> None:
    gateway.server.default = slow(30.0, OK)
    began = time.monotonic()
    results = way("generic", url=gateway.url, timeout_s=0.3).send([message()] * 4)
    assert {result.outcome for result in results} == {Outcome.UNKNOWN}
    assert time.monotonic() - began < 10  # all waited for at once, not one after the other


def test_who_says_nothing_after_the_status_is_given_up(
    gateway: Any, way: Callable, message: Callable
) -> None:
    gateway.server.default = raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    (result,) = way("generic", url=gateway.url, timeout_s=0.3).send([message()])
    assert result.outcome is Outcome.UNKNOWN


def test_a_request_that_could_not_leave_whole_is_a_refusal(
    way: Callable, message: Callable
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody_reads:
        url = f"http://127.0.0.1:{nobody_reads.getsockname()[1]}/"
        huge = message(body="x" * 60_000_000)
        (result,) = way("generic", url=url, timeout_s=0.3).send([huge])
    assert result.outcome is Outcome.REFUSED_FOR_NOW


def test_results_stand_in_the_messages_order(
    gateway: Any, way: Callable, message: Callable
) -> None:
    def by_reference(sock: Any, call: Any) -> None:
        reference = json.loads(call.body)["reference"]
        if reference == "0":
            time.sleep(0.2)  # the first is answered last
        status = "400 No" if reference in {"3", "5"} else "200 OK"
        answer(json.dumps({"message_id": reference}).encode(), status)(sock, call)

    gateway.server.default = by_reference
    messages = [message(reference=str(number)) for number in range(9)]
    results = way("generic", url=gateway.url, concurrency=3).send(messages)
    refused = [place for place, one in enumerate(results) if one.outcome is not Outcome.SENT]
    assert refused == [3, 5]
    sent = [one.provider_message_id for one in results if one.outcome is Outcome.SENT]
    assert sent == ["0", "1", "2", "4", "6", "7", "8"]


def test_no_more_than_the_limit_are_under_way(
    gateway: Any, way: Callable, message: Callable
) -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def counting(sock: Any, call: Any) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        OK(sock, call)

    gateway.server.default = counting
    way("generic", url=gateway.url, concurrency=3).send([message()] * 9)
    assert most == 3


def test_connections_are_kept_and_one_that_was_closed_meanwhile_is_replaced(
    gateway: Any, way: Callable, message: Callable
) -> None:
    provider = way("generic", url=gateway.url)
    ports = []

    def remember(sock: Any, call: Any) -> bool:
        ports.append(sock.getpeername()[1])
        OK(sock, call)
        return len(ports) == 2  # then it hangs up, having answered

    gateway.server.default = remember
    for _ in range(3):
        assert provider.send([message()])[0].outcome is Outcome.SENT
        time.sleep(0.1)
    assert ports[0] == ports[1] != ports[2]


def test_neither_credentials_nor_words_nor_numbers_show(
    gateway: Any, way: Callable, message: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    echo = {"status": "REJECTED 255712345678", "message": "Habari, umefika", "code": 101}
    shown = []
    for name in ("generic", "beem", "infobip", "africastalking", "mgov"):
        provider = way(
            name,
            url=gateway.url,
            token="t0ken-xyz",
            username="u",
            api_key="k3y-xyz",
            secret_key="s3cret-xyz",
            sys_id="1",
            service_id="2",
            sender_id="S",
        )
        for status in (200, 201, 400, 500):
            gateway.says(status, {**echo, "messages": [echo], "SMSMessageData": {"Message": echo}})
            shown += provider.send([message()])
        shown += [provider, provider._dialect.settings, message()]
    text = repr(shown) + caplog.text
    for secret in ("xyz", "255712345678", "Habari"):
        assert secret not in text
