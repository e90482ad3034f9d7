"""Which headers travel on, which stay behind, and which are masked in the record. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.gateway.refusals import Unreadable

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
    "x-client-secret",
    "x-correlation-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
}
_MASKED = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
        "x-client-secret",
    }
)
MASK = "***"
HEAD_UNREADABLE = "The request cannot be passed on: its target or a header is no line of text"
CONSOLE_COOKIE_PREFIX = "kiungo_"


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


def _without_console_cookies(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The session of the hub's own console is nobody else's business."""
    result = []
    for name, value in headers:
        if name != "Cookie":
            result.append((name, value))
            continue
        cookies = [one.strip() for one in value.split(";")]
        others = [one for one in cookies if not one.startswith(CONSOLE_COOKIE_PREFIX)]
        if others:
            result.append((name, "; ".join(others)))
    return result


def answered_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A mediator's headers that go back to the caller, repeated ones still repeated."""
    pairs = list(pairs)
    behind: set[str] = set(HOP_BY_HOP)
    for name, value in pairs:
        if name.lower() == "connection":
            behind |= {token.strip().lower() for token in value.split(",")}
    return [(name, value) for name, value in pairs if name.lower() not in behind]


def recorded_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Headers as a JSON object for the record: secrets masked, repeated ones as lists."""
    recorded: dict[str, Any] = {}
    for name, value in pairs:
        if name.lower() in _MASKED:
            value = MASK
        if name in recorded:
            before = recorded[name]
            recorded[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            recorded[name] = value
    return recorded


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
    """The raw query without parameter `name`; nothing else of it changes."""
    if name not in raw_query:
        return raw_query
    kept = (part for part in raw_query.split("&") if part.partition("=")[0] != name)
    return "&".join(kept)
