"""A call as it came in: the raw request target, the headers, and a body that is read on demand."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Protocol
from urllib.parse import unquote

from common.settings import Network

from proxy.gateway.refusals import BodyTooLarge, Unreadable

Address = IPv4Address | IPv6Address

#: Bodies up to this size are held in memory; larger ones pass through in pieces of it.
WHOLE_BYTES = 256 * 1024
#: How much of a refused body is still read.
DRAINED_BYTES = 32 * 1024 * 1024
#: What the record has room for.
MAX_ADDRESS_CHARS = 64
ENDED_EARLY = "The request body ended early"
_AUTHORITY = re.compile(r"[^/?#]*")


class Readable(Protocol):
    """The part of a file that bodies are read by."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


@dataclass(slots=True)
class Body:
    """A request body: its first `WHOLE_BYTES`, and the rest while it still arrives.

    `length` is what the caller announced, None when the body is chunked.
    """

    head: bytes
    length: int | None
    rest: Readable | None = None
    max_bytes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether `head` is all of it."""
        return self.rest is None

    def pieces(self) -> Iterator[bytes]:
        """All of the body, once, in order. Raises BodyTooLarge past the limit, Unreadable."""
        yield self.head
        if self.rest is None:
            return
        seen = len(self.head)
        while piece := read_up_to(self.rest, WHOLE_BYTES):
            seen += len(piece)
            if seen > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            yield piece
        if self.length is not None and seen < self.length:
            raise Unreadable(ENDED_EARLY)

    def read_whole(self) -> bytes:
        """All of the body in memory; bounded by the limit."""
        if self.rest is not None:
            self.head, self.rest = b"".join(self.pieces()), None
        return self.head


@dataclass(slots=True)
class Call:
    """One request to the gateway, with what only the edge knows about it."""

    correlation_id: uuid.UUID
    started_at: datetime
    started_ns: int
    method: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    address: str
    host: str
    scheme: str
    content_length: int | None
    stream: Readable | None = field(repr=False)
    parent_id: uuid.UUID | None = None

    @property
    def path(self) -> str:
        """The path, percent-decoded once."""
        return unquote(self.raw_path) if "%" in self.raw_path else self.raw_path

    @property
    def raw_target(self) -> str:
        """Path and query as they were received."""
        return f"{self.raw_path}?{self.raw_query}" if self.raw_query else self.raw_path

    def read_body(self, max_bytes: int) -> Body:
        """The body's beginning. Raises BodyTooLarge, before reading where more is announced."""
        if self.content_length is not None and self.content_length > max_bytes:
            raise BodyTooLarge(max_bytes)
        if self.stream is None or self.content_length == 0:
            return Body(b"", 0)
        wanted = WHOLE_BYTES + 1 if self.content_length is None else self.content_length
        head = read_up_to(self.stream, min(wanted, WHOLE_BYTES + 1))
        if self.content_length is not None and len(head) < min(wanted, WHOLE_BYTES + 1):
            raise Unreadable(ENDED_EARLY)
        if len(head) > max_bytes:
            raise BodyTooLarge(max_bytes)
        whole = len(head) <= WHOLE_BYTES
        if whole:
            return Body(head, len(head))
        return Body(head, self.content_length, self.stream, max_bytes)

    def drain(self) -> None:
        """Read what is left of a refused body, up to a bound: its sender sees the answer then."""
        left = DRAINED_BYTES if self.stream is not None else 0
        try:
            while left > 0 and self.stream is not None:
                piece = self.stream.read(min(left, WHOLE_BYTES))
                left = left - len(piece) if piece else 0
        except OSError:
            return  # the sender has gone; nobody waits for the answer


def read_up_to(stream: Readable, size: int) -> bytes:
    """Exactly `size` bytes, or fewer where the stream ends before."""
    piece = _read(stream, size)
    if len(piece) == size or not piece:
        return piece
    pieces = [piece]
    missing = size - len(piece)
    while missing and (piece := _read(stream, missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _read(stream: Readable, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as exc:
        raise Unreadable("The request body could not be read to its end") from exc


def split_target(environ: dict[str, Any]) -> tuple[str, str]:
    """The raw path and query of a WSGI request; the server keeps the target as `RAW_URI`."""
    target: str = environ.get("RAW_URI") or environ["PATH_INFO"]
    if not target.startswith("/"):
        _scheme, _, rest = target.partition("://")
        target = _AUTHORITY.sub("", rest, count=1)
        target = target if target.startswith("/") else f"/{target}"
    path, _, query = target.partition("#")[0].partition("?")
    return path, query


def headers_of(environ: dict[str, Any]) -> dict[str, str]:
    """The request's headers by their usual spelling; repeated ones are joined by the server."""
    headers = {
        _spelling(name): value for name, value in environ.items() if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    return headers


@lru_cache(maxsize=2000)
def _spelling(name: str) -> str:
    return name[5:].replace("_", "-").title()


@lru_cache(maxsize=4096)
def client_address(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """Who is calling: the last address of `X-Forwarded-For` that a trusted proxy vouches for.

    Without a trusted peer the header is only a claim and the peer itself is the caller.
    """
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        if not hop or not _is_trusted(address, trusted):
            return address
        candidate = parsed_address(hop.strip())
        if candidate is None:
            return address
        address = str(candidate)
    return address


def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    parsed = parsed_address(address)
    return parsed is not None and any(parsed in network for network in trusted)


def parsed_address(text: str) -> Address | None:
    """An address, IPv4 within IPv6 as IPv4; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if len(text) > MAX_ADDRESS_CHARS:
        return None  # a scope id may be as long as somebody likes
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
