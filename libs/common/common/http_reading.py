"""Answers of HTTP/1.1 read off a socket (RFC 9112), with as little work for each as can be.

What could be understood in two ways is refused: somebody behind us might read it the other way.
"""

import re
from typing import Any

#: Of an answer; the interim ones (1xx) before it have as much each.
MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 200
MAX_INTERIM = 20
_RECEIVE_BYTES = 65_536

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"HTTP/1\.(\d) ([1-9]\d\d)(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_BODILESS = frozenset({204, 304})

#: The values of each field, by its name in lower case.
Fields = dict[str, list[str]]


class NotHttp(Exception):
    """What was received is no answer, or not all of one."""


class Response:
    """The answer to a request of `method`: its header is read at once, its body on demand.

    `pairs`: the header fields in order, repeated ones kept. Reading raises NotHttp and OSError.
    """

    status: int
    reason: str
    pairs: list[tuple[str, str]]

    def __init__(self, sock: Any, method: str) -> None:
        self._sock = sock
        self._received = b""
        self._at = 0
        minor = self._read_head()
        fields: Fields = {}
        for name, value in self.pairs:
            fields.setdefault(name.lower(), []).append(value)
        self._is_chunked = _is_chunked(fields)
        if self._is_chunked:  # §6.3: a length beside it does not count, so it must not go on
            fields.pop("content-length", None)
            self.pairs = [pair for pair in self.pairs if pair[0].lower() != "content-length"]
        #: Bytes to come of the body, or of a chunk; None: all until the connection closes.
        self._left = 0 if self._is_chunked else _length(fields)
        if method == "HEAD" or self.status in _BODILESS:
            self._left, self._is_chunked = 0, False
        self._closes = self._left is None or _closes(minor, fields)
        self._has_begun_chunks = False
        #: What the next reading raises: this one still had something to give.
        self._broken: NotHttp | None = None
        self.is_complete = self._left == 0 and not self._is_chunked

    @property
    def may_rest(self) -> bool:
        """Whether the connection is ready for another request."""
        return self.is_complete and not self._closes and self._at == len(self._received)

    def read(self, size: int) -> bytes:
        """`size` bytes of the body, fewer only at its end, or before what is no answer."""
        pieces: list[bytes] = []
        try:
            while size and (piece := self.read_available(size)):
                pieces.append(piece)
                size -= len(piece)
        except NotHttp as exc:
            if not pieces:
                raise
            self._broken = exc
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_available(self, size: int) -> bytes:
        """What comes next of the body, at most `size` bytes; nothing only at its end."""
        if self._broken is not None:
            raise self._broken
        if self._is_chunked and not self._left:
            self._next_chunk()
        if self.is_complete:
            return b""
        piece = self._take(size if self._left is None else min(size, self._left))
        if self._left is not None:
            if not piece:
                raise NotHttp("the answer ended early")
            self._left -= len(piece)
        self.is_complete = not self._is_chunked and not (piece and self._left != 0)
        return piece

    def _next_chunk(self) -> None:
        """Read on to the next chunk's bytes, or over the last one and the trailer."""
        if self._has_begun_chunks and self._line():
            raise NotHttp("a chunk is longer than its size")
        self._has_begun_chunks = True
        size = _CHUNK.fullmatch(self._line())
        if size is None:
            raise NotHttp("a chunk's size is malformed")
        self._left = int(size[1], 16)
        if not self._left:
            for _ in range(MAX_HEADERS):
                if not self._line():
                    self.is_complete, self._is_chunked = True, False
                    return
            raise NotHttp("the trailer is too long")

    def _read_head(self) -> int:
        """Read the final status and header. Returns the minor version."""
        for _ in range(MAX_INTERIM + 1):
            lines = self._head()
            status = _STATUS.fullmatch(lines[0])
            if status is None:
                raise NotHttp("the status line is malformed")
            self.status = int(status[2])
            if self.status >= 200 or self.status == 101:
                break
        else:
            raise NotHttp("too many interim answers")
        self.reason = (status[3] or "").strip()
        if len(lines) > MAX_HEADERS + 1:
            raise NotHttp("the header has too many fields")
        self.pairs = [_field(line) for line in lines[1:]]
        return int(status[1])

    def _head(self) -> list[str]:
        """The lines of the next status and header."""
        searched = self._at
        while not (end := _END_OF_HEAD.search(self._received, searched)):
            searched = max(0, len(self._received) - self._at - 3)
            self._receive_more()
            if not self._received.startswith(b"HTTP/"[: len(self._received)]):
                raise NotHttp("this is no HTTP")
        if end.start() - self._at > MAX_HEAD_BYTES:
            raise NotHttp("the header is too long")
        head = self._received[self._at : end.start()].decode("latin-1")
        self._at = end.end()
        return [line.removesuffix("\r") for line in head.split("\n")]

    def _line(self) -> bytes:
        while (end := self._received.find(b"\n", self._at)) < 0:
            self._receive_more()
        line = self._received[self._at : end]
        self._at = end + 1
        return line.removesuffix(b"\r")

    def _receive_more(self) -> None:
        """Receive behind what is there, which is not enough."""
        if len(self._received) - self._at > MAX_HEAD_BYTES:
            raise NotHttp("a header or a line is too long")
        piece = self._sock.recv(_RECEIVE_BYTES)
        if not piece:
            raise NotHttp("the answer ended early")
        self._received = self._received[self._at :] + piece
        self._at = 0

    def _take(self, size: int) -> bytes:
        """What is there of the next `size` bytes; received now where nothing is."""
        if self._at == len(self._received):
            return bytes(self._sock.recv(min(size, _RECEIVE_BYTES)))
        piece = self._received[self._at : self._at + size]
        self._at += len(piece)
        return piece


def _field(line: str) -> tuple[str, str]:
    field = _FIELD.fullmatch(line)
    if field is None:
        raise NotHttp("a header line is malformed")
    return field[1], field[2].rstrip(" \t")


def _is_chunked(fields: Fields) -> bool:
    coding = fields.get("transfer-encoding", ["identity"])
    if len(coding) > 1 or coding[0].lower() not in ("chunked", "identity"):
        raise NotHttp("the Transfer-Encoding is not known")
    return coding[0].lower() == "chunked"


def _length(fields: Fields) -> int | None:
    announced = set(fields.get("content-length", ()))
    if not announced:
        return None
    length = announced.pop()
    if announced or not _LENGTH.fullmatch(length):
        raise NotHttp("the Content-Length is malformed")
    return int(length)


def _closes(minor: int, fields: Fields) -> bool:
    """Whether the connection ends with this answer."""
    said = ",".join(fields.get("connection", ())).lower()
    return "close" in said if minor else "keep-alive" not in said
