"""HL7 over MLLP comes in, goes to an HTTP mediator, and its acknowledgement goes back."""

import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest
from hub import unique
from mllp_sender import Sender, fields_of, message
from raw_mediator import Received

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


def acknowledge(sock: socket.socket, received: Received) -> None:
    """What a laboratory's system says: its acknowledgement names the message."""
    control_id = received.body.split(b"\r")[0].split(b"|")[9]
    ack = b"MSH|^~\\&|HUB|MOH|LAB|CLINIC|2026||ACK|1|P|2.5\rMSA|AA|" + control_id + b"\r"
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ack) + ack)


@pytest.fixture
def listening(hub, mediator, eventually) -> Callable[..., dict]:
    """Opens a channel on a free port, and waits until every gateway process listens there."""

    def open_channel(**fields) -> dict:
        path = f"/{unique('hl7')}"
        mediator.on(path, acknowledge)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        record = hub.new_mediator(mediator.url)
        given = {"is_public": True, "listener": {"port": port}, **fields}
        channel = hub.new_channel(path, record["id"], **given)
        eventually(lambda: len(listeners(hub, port)) == 2)
        return channel

    return open_channel


def listeners(hub, port: int) -> list[int]:
    """The gateway's processes that listen on a port."""
    parent = psutil.Process(hub.stack.pids()["proxy-gateway"])
    return [
        process.pid
        for process in parent.children(recursive=True)
        if any(one.laddr.port == port for one in process.net_connections() if not one.raddr)
    ]


def test_message_comes_in_and_the_acknowledgement_goes_back(hub, listening, mediator):
    channel = listening(is_public=False, acts_for=hub.stack.demo_client_id)
    with closing(Sender(channel["listener"]["port"])) as sender:
        answers = [fields_of(sender.send(message(str(number)))) for number in range(3)]
    assert [one["MSA"] for one in answers] == [["MSA", "AA", str(n)] for n in range(3)]
    got = mediator.to(channel["path_pattern"])
    assert [one.body for one in got] == [message(str(number)) for number in range(3)]
    kept = hub.transaction(got[0].header("X-Correlation-Id")[0])
    assert (kept["status"], kept["client"]) == ("successful", hub.stack.demo_client_id)
    assert kept["request_body"] == message("0").decode()


def test_two_hundred_senders_at_once_are_all_answered(hub, listening, mediator):
    channel = listening()
    port = channel["listener"]["port"]

    def send(number: int) -> list[str]:
        with closing(Sender(port)) as sender:
            return fields_of(sender.send(message(str(number))))["MSA"]

    with ThreadPoolExecutor(200) as senders:
        answers = list(senders.map(send, range(200)))
    assert answers == [["MSA", "AA", str(number)] for number in range(200)]
    assert len(mediator.to(channel["path_pattern"])) == 200


@pytest.mark.faults
def test_port_stays_open_while_a_process_is_replaced(hub, listening, eventually):
    port = listening()["listener"]["port"]
    (first, second) = listeners(hub, port)
    os.kill(first, signal.SIGTERM)
    sent = 0

    def is_replaced() -> bool:
        nonlocal sent
        assert fields_of(sent_until_answered(port, message(str(sent))))["MSA"][1] == "AA"
        sent += 1
        return len(set(listeners(hub, port)) - {first, second}) == 1

    eventually(is_replaced, 60)


def sent_until_answered(port: int, what: bytes) -> bytes:
    """As senders do it: a connection that the process that ends did not take yet is reset."""
    while True:
        try:
            with closing(Sender(port)) as sender:
                return sender.send(what)
        except ConnectionResetError:
            continue
