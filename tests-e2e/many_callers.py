"""Many callers at once, each on a connection of its own, in one thread."""

import asyncio
from urllib.parse import urlsplit

from hub import Hub


async def call_at_once(hub: Hub, path: str, count: int, *, timeout_s: float = 120.0) -> list[int]:
    """The statuses of `count` POSTs made at once; 0: no answer came."""
    return list(await asyncio.gather(*(_status(hub, path, timeout_s) for _ in range(count))))


async def _status(hub: Hub, path: str, timeout_s: float) -> int:
    try:
        answer = await asyncio.wait_for(call(hub, path), timeout_s)
    except (OSError, TimeoutError):
        return 0
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


async def call(hub: Hub, path: str, body: bytes = b"x") -> bytes:
    """One POST with the demo client's credentials; everything that came back."""
    address = urlsplit(hub.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        lines = [f"POST {path} HTTP/1.1", "Host: hub.example", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in hub.credentials.items()]
        lines += [f"Content-Length: {len(body)}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return await reader.read()
    finally:
        writer.close()
