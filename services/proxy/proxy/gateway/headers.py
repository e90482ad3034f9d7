"""Which headers travel on, which stay behind, and which are masked in the record. Pure."""

from collections.abc import Iterable, Mapping

from common import tracing
from common.correlation import TRACE_HEADER

from proxy.gateway.rejections import Unreadable

#: RFC 9110 §7.6.1, and what older software still sends.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_STAY_BEHIND = HOP_BY_HOP | {
    "host",
    "authorization",
    "content-length",
    "expect",
    "x-async",
    "x-client-id",
    "x-client-name",
    "x-client-secret",
    "x-correlation-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-kiungo-request-start",
    "x-openhim-clientid",
    "x-openhim-transactionid",
    "x-real-ip",
}
_ANSWER_STAYS_BEHIND = HOP_BY_HOP | {"clear-site-data", "content-length", "x-correlation-id"}
#: What `Connection` says almost always: nothing that is another field's name.
_NAME_NO_FIELD = frozenset({"close", "keep-alive"})
HEAD_UNREADABLE = "The request cannot be passed on: its target or a header is no line of text"
#: How the names of the console's own cookies begin.
CONSOLE_COOKIES = ("kiungo_", "__Host-kiungo_")


def forwarded_headers(headers: Mapping[str, str], *, is_async: bool) -> list[tuple[str, str]]:
    """The caller's headers that go on to a mediator, in order."""
    behind = _STAY_BEHIND
    if "Connection" in headers:
        behind = behind | {name.strip().lower() for name in headers["Connection"].split(",")}
    kept = [(name, value) for name, value in headers.items() if name.lower() not in behind]
    if "Cookie" in headers:
        kept = _without_console_cookies(kept)
    if is_async:
        kept = [(name, value) for name, value in kept if name != "Prefer"]
    return kept


def within_trace(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with the current span as their parent; as they came where nothing is traced."""
    own = tracing.current_span().traceparent if tracing.is_on() else None
    if own is None:
        return headers
    return [
        *((name, value) for name, value in headers if name != TRACE_HEADER),
        (TRACE_HEADER, own),
    ]


def _without_console_cookies(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The session of the hub's own console is nobody else's business."""
    result = []
    for name, value in headers:
        if name != "Cookie":
            result.append((name, value))
            continue
        cookies = [one.strip() for one in value.split(";")]
        others = [one for one in cookies if not one.startswith(CONSOLE_COOKIES)]
        if others:
            result.append((name, "; ".join(others)))
    return result


def answered_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A mediator's headers that go back to the caller, repeated ones still repeated.

    Its framing stays behind, for the answer's is ours; so does a correlation id of its own, and
    what would sign people out of the console, or in as somebody else.
    """
    kept = []
    named: set[str] = set()
    for name, value in pairs:
        lowered = name.lower()
        if lowered == "connection":
            named |= {token.strip().lower() for token in value.split(",")}
        elif lowered not in _ANSWER_STAYS_BEHIND and not (
            lowered == "set-cookie" and value.lstrip().startswith(CONSOLE_COOKIES)
        ):
            kept.append((name, value))
    if named <= _NAME_NO_FIELD:
        return kept
    return [(name, value) for name, value in kept if name.lower() not in named]


def request_head(
    method: str, target: str, host: str, headers: Iterable[tuple[str, str]], length: int | None
) -> bytes:
    """The start of a request, as bytes; `length` None means a chunked body.

    Raises Unreadable for a head that would say more than is meant.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is None:
        lines.append("Transfer-Encoding: chunked")
    elif length or method not in {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"}:
        lines.append(f"Content-Length: {length}")
    text = "\r\n".join(lines)
    if not len(lines) - 1 == text.count("\n") == text.count("\r") or "\x00" in text:
        raise Unreadable(HEAD_UNREADABLE)
    try:
        return f"{text}\r\n\r\n".encode("latin-1")
    except UnicodeEncodeError as exc:
        raise Unreadable(HEAD_UNREADABLE) from exc


def without_query_parameter(raw_query: str, name: str) -> str:
    """The raw query without parameter `name`, whatever its letter case; nothing else changes."""
    if not raw_query or name not in raw_query.lower():
        return raw_query
    kept = (part for part in raw_query.split("&") if part.partition("=")[0].lower() != name)
    return "&".join(kept)
