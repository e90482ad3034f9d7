"""What llhttp says of an answer: status, header, framing, and the pieces of its body."""

import re
from collections import deque

import httptools

from common.http.outcomes import NotHttp, OutboundError

#: What an answer's header and its reason phrase may have in all: with what a service adds it fits
#: into nginx's `proxy_buffer_size`. Node, and so OpenHIM, takes 16 KiB.
MAX_HEAD_BYTES = 20 * 1024
MAX_FIELDS = 200
#: Informational answers (1xx) that may come before the answer itself.
MAX_INTERIM = 20

_TOO_LARGE = f"its header is larger than {MAX_HEAD_BYTES} bytes"
_DUPLICATE_LENGTH = "Duplicate Content-Length"
_LENGTH_LINE = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d+)[ \t]*\r?\n")
_BODILESS = frozenset({204, 304})
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class ParsedAnswer:
    """The answer to one request by `method`, as far as it was parsed."""

    __slots__ = (
        "_buffered",
        "_error",
        "_head_bytes",
        "_interim",
        "_is_informational",
        "_keeps_connection",
        "_method",
        "_parser",
        "_pieces",
        "_raw_head",
        "_until_close",
        "has_head",
        "headers",
        "is_complete",
        "length",
        "reason",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        #: The announced length of the body; None where it is not announced.
        self.length: int | None = None
        self.has_head = False
        self.is_complete = False
        self._method = method
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._error: OutboundError | None = None
        self._raw_head: list[bytes] = []
        self._head_bytes = 0
        self._interim = 0
        self._is_informational = False
        self._keeps_connection = False
        self._until_close = False
        self._parser = _parser_for(self)

    def _complete(self, *, may_rest: bool) -> None:
        """The answer is whole."""
        raise NotImplementedError

    def _fail(self, error: OutboundError) -> None:
        """It is none, or nothing more is to come."""
        raise NotImplementedError

    def _parse(self, data: bytes) -> None:
        if not self.has_head:
            self._raw_head.append(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(NotHttp("it changes the protocol (101), which nobody asked for"))
        except httptools.HttpParserError as exc:
            if self._raw_head and str(exc) == _DUPLICATE_LENGTH:
                self._feed_with_one_length()
            else:
                self._fail(self._error or NotHttp(_words(exc)))
        if self._error is None and not self.has_head and self._head_size() > MAX_HEAD_BYTES:
            self._fail(NotHttp(_TOO_LARGE))

    def _feed_with_one_length(self) -> None:
        """Two equal lengths are one (RFC 9110 §8.6); different ones are an error."""
        raw = b"".join(self._raw_head)
        lengths = _LENGTH_LINE.findall(raw)
        if len(lengths) < 2:
            return  # the end of the second line is still to come
        if len(set(lengths)) != 1:
            self._fail(NotHttp("it has different Content-Lengths"))
            return
        first = _LENGTH_LINE.search(raw)
        assert first is not None
        rest = _LENGTH_LINE.sub(b"", raw[first.end() :])
        self.headers, self._pieces, self._buffered = [], deque(), 0
        self.reason, self._head_bytes = "", 0
        self._raw_head, self._parser = [], _parser_for(self)
        self._parse(raw[: first.end()] + rest)

    def _head_size(self) -> int:
        return sum(map(len, self._raw_head))

    def _count(self, size_bytes: int) -> None:
        """So much more of the header is here. Raises NotHttp."""
        self._head_bytes += size_bytes
        if self._head_bytes > MAX_HEAD_BYTES:
            self._error = NotHttp(_TOO_LARGE)
            raise self._error

    # --- llhttp's calls

    def on_message_begin(self) -> None:
        """Another message begins."""
        if self.is_complete:  # more than the answer came: who knows what it belongs to
            self._keeps_connection = False

    def on_status(self, reason: bytes) -> None:
        """(A part of) the reason phrase."""
        if _CONTROL.search(reason):
            self._error = NotHttp("its reason phrase is no line of text")
            raise self._error
        self._count(len(reason))
        self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field."""
        if self.has_head:  # a trailer; nobody asked for it
            return
        if len(self.headers) == MAX_FIELDS:
            self._error = NotHttp(f"it has more than {MAX_FIELDS} header fields")
            raise self._error
        self._count(len(name) + len(value) + 4)
        # llhttp leaves the white space behind a value.
        self.headers.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """Status and header are here."""
        if self.is_complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._error = NotHttp(f"it has more than {MAX_INTERIM} informational answers")
                raise self._error
            self._is_informational = True
            self.headers, self.reason = [], ""
            return
        self.status = status
        self._keeps_connection = self._parser.should_keep_alive()
        chunked = self._framing()
        self.has_head = True
        self._raw_head.clear()
        bodiless = self._method == "HEAD" or status in _BODILESS
        self._until_close = not bodiless and not chunked and self.length is None
        if bodiless:
            self._complete(may_rest=self._keeps_connection)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self.is_complete:  # a body behind an answer to HEAD: who knows how much is to come
            self._keeps_connection = False
        else:
            self._pieces.append(data)
            self._buffered += len(data)

    def on_message_complete(self) -> None:
        """Nothing more is to come."""
        if self._is_informational:
            self._is_informational = False
        elif not self.is_complete and self.status != 101:
            self._complete(may_rest=self._keeps_connection)

    def _framing(self) -> bool:
        """Whether the body is chunked; notes its length. Raises NotHttp."""
        chunked = False
        for name, value in self.headers:
            if len(name) == 14 and name.lower() == "content-length":
                self.length = int(value)
            elif len(name) == 17 and name.lower() == "transfer-encoding":
                chunked = value.strip().lower() == "chunked"
                if not chunked:
                    self._error = NotHttp("it has a transfer coding other than chunked")
                    raise self._error
        if chunked and self.length is not None:  # the chunks count (RFC 9112 §6.3)
            self.length = None
            self.headers = [pair for pair in self.headers if pair[0].lower() != "content-length"]
            self._keeps_connection = False
        return chunked


def _parser_for(answer: ParsedAnswer) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(answer)
    # Old servers end lines with LF alone; RFC 9112 §2.2 lets a recipient take that.
    # Some announce a length beside the chunks.
    parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_chunked_length=True)
    return parser


def _words(error: httptools.HttpParserError) -> str:
    """What llhttp says, or the error that one of our callbacks raised."""
    return str(error.__context__ or error)
