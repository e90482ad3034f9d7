"""Traces: spans of OpenTelemetry, exported over OTLP to `OTEL_EXPORTER_OTLP_ENDPOINT`.

    with tracing.span("POST", tracing.Kind.CLIENT) as span:
        answer = ask(headers=tracing.outgoing_headers())
        span.set("http.response.status_code", answer.status)

A span is the child of the one around it, else of the `traceparent` (W3C Trace Context) of the
request being served. Without the setting nothing of the SDK is loaded, spans are all one object
that does nothing, and a caller's `traceparent` is passed on as it came.

Attributes are those of the semantic conventions, and never tell what somebody sent: no paths but
those of routes, no queries, no header fields, no messages of errors.
"""

import contextvars
import enum
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, Self, TypeVar, cast
from urllib.parse import urlsplit

from common.correlation import TRACE_HEADER, Headers, current_request_context, known_traceparent
from common.settings import Environment

#: What nginx writes where traces are on: when it passed the request on, as `t=<Unix seconds>`.
START_HEADER = "X-Kiungo-Request-Start"
#: Whose clock is that far away, is not believed.
_OLDEST_START_S = 60.0
_NS = 1_000_000_000
_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)

Attributes = Mapping[str, str | int]
_Act = TypeVar("_Act", bound=Callable[..., Awaitable[Any]])


class Kind(enum.Enum):
    """How a span stands to its parent, in OpenTelemetry's words."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """Something that takes time. Entered, it is the parent of the spans within."""

    @property
    def traceparent(self) -> str | None:
        """What its children name as their parent; None: it is nobody's."""

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute."""

    def route(self, method: str, route: str) -> None:
        """Name it by the route that a request was for."""

    def status(self, code: int) -> None:
        """The status that a request was answered with; the server's errors are its span's."""

    def failed(self, error_type: str) -> None:
        """It failed; `error_type` is a class's name, never a message."""

    def __enter__(self) -> Self:
        """Make it current."""

    def __exit__(self, type_: type[BaseException] | None, *_: object) -> None:
        """End it; an exception fails it."""


class Tracer(Protocol):
    """What makes spans."""

    def start(self, name: str, kind: Kind, attributes: Attributes, parent: str | None) -> Span:
        """A span that begins now."""

    def serve(self, method: str, parent: str | None, edge_start_ns: int | None) -> Span:
        """A request's span, beneath one of nginx's where that has noted a time."""

    def close(self) -> None:
        """Export what is left, for a few seconds at most."""


class Endpoint(Protocol):
    """Where a request goes."""

    @property
    def host(self) -> str:
        """Its name or address."""

    @property
    def port(self) -> int:
        """Its port."""


class _NoSpan:
    """What there is while nothing is traced."""

    traceparent = None

    def set(self, name: str, value: str | int) -> None:
        """Nothing."""

    def route(self, method: str, route: str) -> None:
        """Nothing."""

    def status(self, code: int) -> None:
        """Nothing."""

    def failed(self, error_type: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, type_: type[BaseException] | None, *_: object) -> None:
        pass


NO_SPAN: Final = _NoSpan()
_tracer: Tracer | None = None
_span: contextvars.ContextVar[Span] = contextvars.ContextVar("span", default=NO_SPAN)


def configure_tracing(service: str, settings: Environment) -> None:
    """Trace this process as `service`, where the settings want that."""
    global _tracer
    close_tracing()
    if settings.otlp_endpoint is not None:
        from common.tracing_export import OtlpTracer

        _tracer = OtlpTracer(service, settings)


def close_tracing() -> None:
    """Export what is left; nothing is traced from now on."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.close()


def is_on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind = Kind.INTERNAL,
    attributes: Attributes | None = None,
    *,
    parent: str | None = None,
) -> Span:
    """A span that begins now: beneath `parent`, else beneath what is current."""
    if _tracer is None:
        return NO_SPAN
    return _tracer.start(name, kind, attributes or {}, parent or traceparent())


def within(name: str, act: _Act) -> _Act:
    """An asynchronous function, each time within a span; itself where nothing is traced.

    For what every call passes: even spans that do nothing take time.
    """
    if _tracer is None:
        return act

    @functools.wraps(act)
    async def traced(*args: Any, **kwargs: Any) -> Any:
        with span(name):
            return await act(*args, **kwargs)

    return cast(_Act, traced)


def request_span(method: str, headers: Headers) -> Span:
    """The span of a request that came in."""
    if _tracer is None:
        return NO_SPAN
    parent = known_traceparent(headers.get(TRACE_HEADER, ""))
    start_ns = _edge_start_ns(headers.get(START_HEADER, ""), time.time())
    return _tracer.serve(known_method(method), parent, start_ns)


def endpoint_span(method: str, endpoint: Endpoint) -> Span:
    """The span of a request to `endpoint`, which has a host and a port."""
    if _tracer is None:
        return NO_SPAN
    named = known_method(method)
    attributes: dict[str, str | int] = {
        "http.request.method": named,
        "server.address": endpoint.host,
        "server.port": endpoint.port,
    }
    return _tracer.start(named, Kind.CLIENT, attributes, traceparent())


def call_span(method: str, url: str) -> Span:
    """The span of a request of ours, by where it goes: its host and port, and no more of `url`.

    Only within a trace: what a process asks for by itself begins none.
    """
    if _tracer is None or traceparent() is None:
        return NO_SPAN
    named = known_method(method)
    attributes: dict[str, str | int] = {"http.request.method": named, **_server_of(url)}
    return _tracer.start(named, Kind.CLIENT, attributes, traceparent())


def message_span(operation: str, kind: Kind, queue: str, parent: str | None) -> Span:
    """The span of a message: `operation` is `send` or `process`."""
    if _tracer is None:
        return NO_SPAN
    named = {"messaging.operation.type": operation, "messaging.destination.name": queue}
    return _tracer.start(f"{operation} {queue}", kind, named, parent)


def job_span(queue: str, parent: str | None) -> Span:
    """The span of a job, in the trace of what it came of; without one it begins none."""
    if _tracer is None or parent is None:
        return NO_SPAN
    return message_span("process", Kind.CONSUMER, queue, parent)


def current_span() -> Span:
    """The span that was entered last."""
    return _span.get()


def enter(entered: Span) -> contextvars.Token[Span]:
    """Make a span current, for spans themselves; pass the returned token to `leave`."""
    return _span.set(entered)


def leave(token: contextvars.Token[Span]) -> None:
    """Go back to the span before."""
    _span.reset(token)


def traceparent() -> str | None:
    """What a child of here names as its parent: a span of ours, or what the request came with."""
    own = _span.get().traceparent
    if own is not None:
        return own
    context = current_request_context()
    return context.traceparent if context is not None else None


def outgoing_headers() -> dict[str, str]:
    """The header fields that carry the current request context on to the next system."""
    context = current_request_context()
    headers = context.headers() if context is not None else {}
    own = _span.get().traceparent
    if own is not None:
        headers[TRACE_HEADER] = own
    return headers


def log_fields() -> dict[str, Any]:
    """`trace_id` and `span_id` of here, as logs name them."""
    known = known_traceparent(traceparent() or "")
    if known is None:
        return {}
    _version, trace_id, span_id, _flags = known.split("-")
    return {"trace_id": trace_id, "span_id": span_id}


def known_method(method: str) -> str:
    """A method by its name; what somebody made up is `_OTHER`, as the conventions say."""
    return method if method in _METHODS else "_OTHER"


def _server_of(url: str) -> dict[str, str | int]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        return {}
    return {"server.address": parts.hostname or "", "server.port": port}


def _edge_start_ns(text: str, now_s: float) -> int | None:
    """When nginx passed a request on; None where it did not say so, or not credibly."""
    try:
        start_s = float(text.removeprefix("t="))
    except ValueError:
        return None
    return int(start_s * _NS) if 0 <= now_s - start_s <= _OLDEST_START_S else None
