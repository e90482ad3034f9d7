"""One id follows a request through every log line, answer and outbound call."""

import contextvars
import re
from dataclasses import dataclass
from typing import Protocol

from common.ids import new_id

CORRELATION_HEADER = "X-Correlation-Id"
TRACE_HEADER = "Traceparent"

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
#: Ids of zeros are none.
_NO_IDS = re.compile(r"-(?:0{32}|0{16})-")


class Headers(Protocol):
    """Header fields by name."""

    def get(self, name: str, default: str, /) -> str:
        """The value of `name`, else `default`."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What identifies the request being served: our id and, when the caller sent one, W3C's."""

    correlation_id: str
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that carry this request context on to the next system."""
        headers = {CORRELATION_HEADER: self.correlation_id}
        if self.traceparent:
            headers[TRACE_HEADER] = self.traceparent
        return headers


_current: contextvars.ContextVar[RequestContext | None] = contextvars.ContextVar(
    "request_context", default=None
)


def current_request_context() -> RequestContext | None:
    """The request context of the request or job being served, if any."""
    return _current.get()


def follow(request_context: RequestContext | None) -> contextvars.Token[RequestContext | None]:
    """Make `request_context` the current one; pass the returned token to `leave`."""
    return _current.set(request_context)


def leave(token: contextvars.Token[RequestContext | None]) -> None:
    """Forget the request context that `follow` set."""
    _current.reset(token)


def acceptable_id(given: object) -> str | None:
    """A correlation id as we take one from others; None for all else."""
    is_one = isinstance(given, str) and _ACCEPTABLE_ID.fullmatch(given)
    return given if is_one else None  # type: ignore[return-value]


def known_traceparent(given: str) -> str | None:
    """A `traceparent` as W3C's Trace Context has it; None for all else."""
    if not _TRACEPARENT.fullmatch(given) or given.startswith("ff"):
        return None
    return None if _NO_IDS.search(given) else given


def request_context_of(headers: Headers) -> RequestContext:
    """The request context a caller sent, where it is well-formed, else a new one."""
    given = headers.get(CORRELATION_HEADER, "")
    return RequestContext(
        correlation_id=acceptable_id(given) or str(new_id()),
        traceparent=known_traceparent(headers.get(TRACE_HEADER, "")),
    )
