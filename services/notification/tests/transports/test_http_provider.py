"""What every provider behind HTTP has in common: rejections, time-outs, broken connections."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from notification.transports import Message, Outcome, Result
from notification.transports.sms.dialect import Request, retry_after_s
from notification.transports.sms.generic import Generic
from notification.transports.sms.http_provider import MAX_ANSWER_BYTES, HttpProvider
from notification.transports.sms.settings import SmsSettings
from raw_mediator import answer, hang_up, raw_answer, slow

OK = answer(b'{"message_id": "m1"}')


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.TRANSPORT_CLOSED),
        (400, Outcome.REFUSED_FOR_GOOD),
        (401, Outcome.TRANSPORT_CLOSED),
        (402, Outcome.TRANSPORT_CLOSED),
        (404, Outcome.REFUSED_FOR_GOOD),
        (408, Outcome.REFUSED_FOR_NOW),
        (422, Outcome.REFUSED_FOR_GOOD),
        (429, Outcome.TRANSPORT_CLOSED),
        (500, Outcome.REFUSED_FOR_NOW),
        (503, Outcome.REFUSED_FOR_NOW),
    ],
)
def test_a_status_that_is_not_2xx_is_a_rejection(
    gateway: Any, new_provider: Callable, message: Callable, status: int, outcome: Outcome
) -> None:
    gateway.says(status, b"<html>no</html>", "Location: http://127.0.0.1:9/")
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert (result.outcome, result.error) == (outcome, f"generic answered {status}")
    assert result.response == {"http_status": status, "answer": "<html>no</html>"}
    assert len(gateway.calls) == 1


class Stumbling(Generic):
    """A dialect with a bug in making requests, and one in reading answers."""

    def request(self, message: Message, now: datetime) -> Request:
        if message.reference == "bad":
            raise KeyError("a bug")
        return super().request(message, now)

    def judge(self, status: int, answer: Any) -> Result:
        if answer["message_id"] == "bad":
            raise KeyError("a bug")
        return super().judge(status, answer)


GIVEN = [("a", "m1"), ("bad", "m2"), ("b", "bad"), ("c", "m3")]


def test_a_bug_concerns_its_message_only(gateway: Any, message: Callable) -> None:
    def echo(sock: socket.socket, received: Any) -> None:
        known_as = {"message_id": json.loads(received.body)["text"]}
        answer(json.dumps(known_as).encode())(sock, received)

    gateway.server.default = echo
    provider = HttpProvider(Stumbling(SmsSettings(name="generic", url=gateway.url, concurrency=1)))
    results = provider.send([message(reference=one, body=two) for one, two in GIVEN])
    provider.close()
    sent, refused, unknown = Outcome.SENT, Outcome.REFUSED_FOR_GOOD, Outcome.UNKNOWN
    assert [one.outcome for one in results] == [sent, refused, unknown, sent]
    assert len(gateway.calls) == 3


def test_retry_after_is_honoured(gateway: Any, new_provider: Callable, message: Callable) -> None:
    gateway.says(429, b"", "Retry-After: 120")
    (result,) = new_provider("beem", url=gateway.url, api_key="k", secret_key="s").send([message()])
    assert (result.outcome, result.retry_after_s) == (Outcome.TRANSPORT_CLOSED, 120.0)


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


def test_nobody_there_closes_the_way(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.server.close()
    results = new_provider("generic", url=gateway.url).send([message()] * 3)
    assert {result.outcome for result in results} == {Outcome.TRANSPORT_CLOSED}


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
    gateway: Any, new_provider: Callable, message: Callable, responder: Any
) -> None:
    gateway.server.default = responder
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert result.outcome is Outcome.UNKNOWN
    assert len(gateway.calls) == 1


def test_a_rejection_without_its_whole_body_is_a_rejection(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    broken = b"HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 50\r\n\r\n{"
    gateway.server.default = raw_answer(broken, close=True)
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert (result.outcome, result.retry_after_s) == (Outcome.REFUSED_FOR_NOW, 9.0)


def test_no_answer_in_time_leaves_the_outcome_unknown(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.server.default = slow(30.0, OK)
    began = time.monotonic()
    results = new_provider("generic", url=gateway.url, timeout_s=0.3).send([message()] * 4)
    assert {result.outcome for result in results} == {Outcome.UNKNOWN}
    assert time.monotonic() - began < 10  # all waited for at once, not one after the other


def test_who_says_nothing_after_the_status_is_given_up(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.server.default = raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    (result,) = new_provider("generic", url=gateway.url, timeout_s=0.3).send([message()])
    assert result.outcome is Outcome.UNKNOWN


def test_a_request_that_could_not_leave_whole_is_a_rejection(
    new_provider: Callable, message: Callable
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody_reads:
        url = f"http://127.0.0.1:{nobody_reads.getsockname()[1]}/"
        huge = message(body="x" * 60_000_000)
        (result,) = new_provider("generic", url=url, timeout_s=0.3).send([huge])
    assert result.outcome is Outcome.REFUSED_FOR_NOW


def test_results_stand_in_the_messages_order(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    def by_reference(sock: Any, call: Any) -> None:
        reference = json.loads(call.body)["reference"]
        if reference == "0":
            time.sleep(0.2)  # the first is answered last
        status = "400 No" if reference in {"3", "5"} else "200 OK"
        answer(json.dumps({"message_id": reference}).encode(), status)(sock, call)

    gateway.server.default = by_reference
    messages = [message(reference=str(number)) for number in range(9)]
    results = new_provider("generic", url=gateway.url, concurrency=3).send(messages)
    refused = [place for place, one in enumerate(results) if one.outcome is not Outcome.SENT]
    assert refused == [3, 5]
    sent = [one.provider_message_id for one in results if one.outcome is Outcome.SENT]
    assert sent == ["0", "1", "2", "4", "6", "7", "8"]


def test_no_more_than_the_limit_are_under_way(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    lock, in_flight, most = threading.Lock(), 0, 0

    def counting(sock: Any, call: Any) -> None:
        nonlocal in_flight, most
        with lock:
            in_flight += 1
            most = max(most, in_flight)
        time.sleep(0.05)
        with lock:
            in_flight -= 1
        OK(sock, call)

    gateway.server.default = counting
    new_provider("generic", url=gateway.url, concurrency=3).send([message()] * 9)
    assert most == 3


def test_connections_are_kept_and_one_that_was_closed_meanwhile_is_replaced(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    provider = new_provider("generic", url=gateway.url)
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
    gateway: Any, new_provider: Callable, message: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    echo = {"status": "REJECTED 255712345678", "message": "Habari, umefika", "code": 101}
    shown = []
    for name in ("generic", "beem", "infobip", "africastalking", "mgov"):
        provider = new_provider(
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


def test_who_drips_an_answer_is_given_up_in_time(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    def drip(sock: socket.socket, _call: Any) -> None:
        with contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200:
                sock.sendall(bytes([byte]))
                time.sleep(0.05)

    gateway.server.default = drip
    began = time.monotonic()
    (result,) = new_provider("generic", url=gateway.url, timeout_s=0.4).send([message()])
    assert result.outcome is Outcome.UNKNOWN
    assert time.monotonic() - began < 5


def test_no_more_of_an_answer_is_read_than_the_limit(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    sent = 0

    def flood(sock: socket.socket, _call: Any) -> bool:
        nonlocal sent
        with contextlib.suppress(OSError):
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"message_id": "m1", "more": "')
            while sent < 1000 * MAX_ANSWER_BYTES:
                sock.sendall(b"x" * 65_536)
                sent += 65_536
        return True

    gateway.server.default = flood
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert result.provider_message_id is None
    assert result.outcome is Outcome.UNKNOWN
    assert sent < 100 * MAX_ANSWER_BYTES  # some lies in the sockets


def test_request_is_one_head_and_its_body(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            sock, _ = listening.accept()
            with sock:
                seen.append(sock.recv(65_536))
                sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"message_id": "m1"}')

        taking = threading.Thread(target=take)
        taking.start()
        port = listening.getsockname()[1]
        (result,) = new_provider("generic", url=f"http://127.0.0.1:{port}/a?b=c").send([message()])
        taking.join()
    assert result.outcome is Outcome.SENT
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:4] == [
        b"POST /a?b=c HTTP/1.1",
        f"Host: 127.0.0.1:{port}".encode(),
        b"Accept: application/json",
        b"User-Agent: kiungo-notification",
    ]
    assert head.split(b"\r\n")[-1] == b"Content-Length: %d" % len(body)
    assert json.loads(body)["reference"] == "key-1"


@pytest.mark.timeout(20)
def test_a_header_that_cannot_be_written_is_its_messages_and_holds_nothing_up(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    sender = new_provider("generic", url=gateway.url, token="ñ")

    results = sender.send([message(reference="a"), message(reference="b")])

    assert {one.outcome for one in results} == {Outcome.REFUSED_FOR_GOOD}
    assert "UnicodeEncodeError" in str(results[0].error)
    assert gateway.calls == []


@pytest.mark.timeout(20)
def test_a_provider_that_hangs_up_at_once_is_not_called_again_and_again(
    new_provider: Callable, message: Callable
) -> None:
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up_at_once() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()
                    accepted.append(1)

        threading.Thread(target=hang_up_at_once, daemon=True).start()
        sender = new_provider("generic", url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        results = sender.send([message(reference=str(one)) for one in range(40)])

    assert len(results) == 40
    assert Outcome.SENT not in {one.outcome for one in results}
    assert len(accepted) <= 40
