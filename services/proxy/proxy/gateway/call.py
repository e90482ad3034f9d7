"""A call as it came in: the raw request target, the headers, and a body that is read on demand."""

import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from common.clock import utc_now
from common.http.server_messages import BodyEndedEarly, Request
from common.ids import new_id
from common.networks import Network

from proxy.access.addresses import client_address
from proxy.access.certificates import HEADER, Presented, vouched_for
from proxy.gateway.limits import Slot
from proxy.gateway.rejections import BodyTooLarge, Unreadable

#: Bodies up to this size are held in memory; larger ones pass through in pieces.
WHOLE_BYTES = 256 * 1024
ENDED_EARLY = "The request body ended early"
_AUTHORITY = re.compile(r"[^/?#]*")


class Readable(Protocol):
    """Where a body comes from."""

    async def read(self) -> bytes:
        """The next piece; none at the end. Raises BodyEndedEarly."""


class Whole:
    """A body that is in memory."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        """All of it, then none."""
        body, self._body = self._body, b""
        return body


@dataclass(slots=True)
class Body:
    """A request body: its first `WHOLE_BYTES` or more, and the rest while it still arrives.

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

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of the body, once, in order. Raises BodyTooLarge past the limit, Unreadable."""
        yield self.head
        if self.rest is None:
            return
        seen = len(self.head)
        while piece := await _read(self.rest):
            seen += len(piece)
            if seen > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            yield piece
        if self.length is not None and seen < self.length:
            raise Unreadable(ENDED_EARLY)

    async def read_whole(self) -> bytes:
        """All of the body in memory; bounded by the limit."""
        if self.rest is not None:
            self.head, self.rest = b"".join([piece async for piece in self.pieces()]), None
        return self.head


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from that is no client's request: a channel's listener or schedule."""

    #: Whom it is made for; empty: nobody, or whoever's certificate was shown.
    client_id: str
    #: The hub makes it itself: it comes from no address.
    is_poll: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the hub answers a call itself."""

    reason: str
    is_surely_not_sent: bool


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
    #: Names of header fields that were left out because of a `_` in them.
    left_out: tuple[str, ...] = ()
    #: What the caller proved to hold, where nginx checked it.
    certificate: Presented | None = None
    #: Header fields that say to the mediator who calls.
    client_fields: tuple[tuple[str, str], ...] = ()
    #: The call's place among those of a client whose calls are limited.
    slot: Slot | None = field(default=None, repr=False)
    #: None for all that comes by a path.
    origin: Origin | None = None
    #: Set where no mediator answered.
    failure: Failure | None = None
    #: Its id as its caller and its mediator see it.
    shown_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.shown_id = str(self.correlation_id)

    @property
    def path(self) -> str:
        """The path, percent-decoded once."""
        return unquote(self.raw_path) if "%" in self.raw_path else self.raw_path

    @property
    def raw_target(self) -> str:
        """Path and query as they were received."""
        return f"{self.raw_path}?{self.raw_query}" if self.raw_query else self.raw_path

    async def read_body(self, max_bytes: int) -> Body:
        """The body's beginning. Raises BodyTooLarge, before reading where more is announced."""
        if self.content_length is not None and self.content_length > max_bytes:
            raise BodyTooLarge(max_bytes)
        if self.stream is None or self.content_length == 0:
            return Body(b"", 0)
        pieces: list[bytes] = []
        size = 0
        while size <= WHOLE_BYTES and (piece := await _read(self.stream)):
            pieces.append(piece)
            size += len(piece)
            if size == self.content_length:
                break
        if size > max_bytes:
            raise BodyTooLarge(max_bytes)
        head = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if size > WHOLE_BYTES and size != self.content_length:
            return Body(head, self.content_length, self.stream, max_bytes)
        if self.content_length is not None and size < self.content_length:
            raise Unreadable(ENDED_EARLY)
        return Body(head, size)


def read_call(request: Request, trusted: tuple[Network, ...]) -> Call:
    """The call that a request makes; `trusted` are the proxies whose word on its origin counts."""
    headers = request.headers
    raw_path, raw_query = split_target(request.target)
    certificate = None
    if HEADER in headers:
        certificate = vouched_for(headers.pop(HEADER), request.peer, trusted)
    return Call(
        correlation_id=new_id(),
        started_at=utc_now(),
        started_ns=time.perf_counter_ns(),
        method=request.method,
        raw_path=raw_path,
        raw_query=raw_query,
        headers=headers,
        address=client_address(request.peer, headers.get("X-Forwarded-For", ""), trusted),
        host=headers.get("X-Forwarded-Host") or headers.get("Host", ""),
        scheme=headers.get("X-Forwarded-Proto") or "http",
        content_length=request.content_length,
        stream=request if request.has_body else None,
        left_out=tuple(request.left_out),
        certificate=certificate,
    )


async def _read(stream: Readable) -> bytes:
    try:
        return await stream.read()
    except BodyEndedEarly as exc:
        raise Unreadable("The request body could not be read to its end") from exc


def split_target(target: str) -> tuple[str, str]:
    """The raw path and query of a request target, which may be a whole URL."""
    if not target.startswith("/"):
        _scheme, _, rest = target.partition("://")
        target = _AUTHORITY.sub("", rest, count=1)
        target = target if target.startswith("/") else f"/{target}"
    path, _, query = target.partition("#")[0].partition("?")
    return path, query


def query_value(call: Call, name: str) -> str:
    """The first value of a query parameter, whatever its letter case, or an empty text."""
    if not call.raw_query or name not in call.raw_query.lower():
        return ""
    pairs = parse_qsl(call.raw_query, keep_blank_values=True, errors="replace")
    return next((value for key, value in pairs if key.lower() == name), "")


def preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """The preferences of `Prefer` (RFC 7240) by lower-case name; parameters are left out."""
    given = headers.get("Prefer")
    if not given:
        return {}
    pairs = (part.partition(";")[0].partition("=") for part in given.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
