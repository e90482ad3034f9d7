"""An SMS gateway on loopback that counts what it is given, for tests and benchmarks.

It speaks the dialect `generic`: POST takes a message, GET says whether it has a reference.
"""

import asyncio
import json
import threading
from collections import Counter
from types import TracebackType
from urllib.parse import parse_qs, urlsplit


class SmsGateway:
    """Runs in a thread; `with SmsGateway() as gateway`. Answers after `delay_s`."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        #: How often each reference arrived.
        self.arrived: Counter[str] = Counter()
        self.connections: set[asyncio.BaseTransport] = set()
        #: Where it takes messages, and questions.
        self.url = ""
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "SmsGateway":
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Call(self), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}/"
        self._listening.set()
        await self._ending.wait()
        server.close()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)

    def answer(self, request: bytes, body: bytes) -> bytes:
        """What it says to a request."""
        target = request.split(b" ", 2)[1].decode()
        if request.startswith(b"GET"):
            [reference] = parse_qs(urlsplit(target).query)["reference"]
            if reference not in self.arrived:
                return b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
        else:
            reference = json.loads(body)["reference"]
            self.arrived[reference] += 1
        said = {"messages": [{"messageId": f"id-{reference}", "status": {"groupName": "PENDING"}}]}
        content = json.dumps(said).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)

    def later(self, transport: asyncio.WriteTransport, answer: bytes) -> None:
        """Answer in `delay_s`."""
        if self.delay_s:
            self._loop.call_later(self.delay_s, transport.write, answer)
        else:
            transport.write(answer)


class _Call(asyncio.Protocol):
    """One connection, kept open from request to request."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._gateway.connections.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._gateway.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length:")
        size = int(length.split(b"\r\n")[0]) if length else 0
        if found and len(rest) >= size:
            self._received = rest[size:]
            self._gateway.later(self._transport, self._gateway.answer(head, rest[:size]))
