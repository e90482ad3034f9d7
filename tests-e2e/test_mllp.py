"""HL7 over MLLP on channels of type tcp: an answer is a frame, and ends with it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hub import unique
from systems import MOSTLY_EMBEDDED

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)

BEGIN, END = b"\x0b", b"\x1c\x0d"
MESSAGE = BEGIN + b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\r" + END
ACK = BEGIN + b"MSH|^~\\&|C|D|A|B|20260101||ACK|1|P|2.5\rMSA|AA|1\r" + END


@contextmanager
def mllp_server(*pieces: bytes, pause_s: float = 0.0, stays: bool = True) -> Iterator[int]:
    """A server that reads one frame, answers in `pieces`, and keeps the connection; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            got = b""
            while END not in got:
                if not (piece := peer.recv(4096)):
                    return
                got += piece
            for piece in pieces:
                time.sleep(pause_s)
                peer.sendall(piece)
            if stays:
                over.wait(30)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.fixture
def tcp_channel(hub):
    """Opens a channel to a port."""

    def open_channel(port: int) -> str:
        path = f"/{unique('mllp')}"
        record = hub.new_mediator(f"tcp://127.0.0.1:{port}")
        hub.new_channel(path, record["id"], channel_type="tcp")
        hub.in_force()
        return path

    return open_channel


@pytest.mark.parametrize(
    "pieces", [[ACK], [ACK[:1], ACK[1:40], ACK[40:-1], ACK[-1:]], [ACK[:-2], ACK[-2:]]]
)
def test_an_acknowledgement_is_passed_on_though_the_server_keeps_the_connection(
    hub, tcp_channel, pieces
):
    with mllp_server(*pieces, pause_s=0.1) as port:
        path = tcp_channel(port)
        began = time.monotonic()
        answer = hub.call("POST", path, data=MESSAGE)
        assert time.monotonic() - began < 10  # the server stays for 30
        assert (answer.status_code, answer.content) == (200, ACK)
        kept = hub.transaction(answer.headers["X-Correlation-Id"])
        assert kept["status"] == "successful"


def test_half_an_acknowledgement_is_no_answer(hub, tcp_channel):
    with mllp_server(ACK[:-2]) as port:
        answer = hub.call("POST", tcp_channel(port), data=MESSAGE)
        assert answer.status_code in (502, 504)
        assert "outcome unknown" in answer.json()["error"].lower()


def test_what_is_no_frame_ends_with_the_connection_as_before(hub, tcp_channel):
    with mllp_server(b"plain ", b"words", pause_s=0.1, stays=False) as port:
        answer = hub.call("POST", tcp_channel(port), data=MESSAGE)
        assert (answer.status_code, answer.content) == (200, b"plain words")
