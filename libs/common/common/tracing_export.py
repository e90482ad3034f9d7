"""Spans of OpenTelemetry's SDK, exported over OTLP (HTTP, protobuf) from a thread of its own.

Imported only where traces are on. The queue is bounded: what a collector that is away leaves there
is dropped, and no call waits for it. Sampling and batches follow the standard variables
(`OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`), as the SDK reads them.
"""

import contextvars
import threading
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation import set_span_in_context

from common import tracing
from common.ids import new_id
from common.otlp import EXPORT_TIMEOUT_S, header_pairs, resource
from common.settings import Environment
from common.tracing import Attributes, Kind, Span

TRACES_PATH = "/v1/traces"
EDGE = "nginx"
#: How long a process that ends waits for its last spans to be taken.
CLOSE_S = 3.0
_VERSION = "00"


class OtlpTracer:
    """Makes spans of one service, and of nginx before it."""

    def __init__(self, service: str, settings: Environment) -> None:
        assert settings.otlp_endpoint is not None
        exporter = OTLPSpanExporter(
            endpoint=settings.otlp_endpoint.rstrip("/") + TRACES_PATH,
            headers=header_pairs(settings.otlp_headers),
            timeout=EXPORT_TIMEOUT_S,
        )
        self._processor = BatchSpanProcessor(exporter)
        self._own = self._tracer(service)
        self._edge = self._tracer(EDGE)

    def start(self, name: str, kind: Kind, attributes: Attributes, parent: str | None) -> Span:
        """A span that begins now."""
        started = self._own.start_span(
            name, _context(parent), SpanKind[kind.value], dict(attributes)
        )
        return OtlpSpan(started, is_server=kind is Kind.SERVER)

    def serve(self, method: str, parent: str | None, edge_start_ns: int | None) -> Span:
        """A request's span, beneath one of nginx's where that has noted a time."""
        edge, context = None, _context(parent)
        named = {"http.request.method": method}
        if edge_start_ns is not None:
            edge = self._edge.start_span(
                method, context, SpanKind.SERVER, named, start_time=edge_start_ns
            )
            context = set_span_in_context(edge)
        started = self._own.start_span(method, context, SpanKind.SERVER, named)
        return OtlpSpan(started, edge, is_server=True)

    def close(self) -> None:
        """Export what is left, for a few seconds at most."""
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)

    def _tracer(self, service: str) -> trace.Tracer:
        provider = TracerProvider(resource=resource(service, new_id()), shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return provider.get_tracer("kiungo")


class OtlpSpan:
    """A span of the SDK; `edge` is nginx's around it."""

    def __init__(
        self, started: trace.Span, edge: trace.Span | None = None, *, is_server: bool
    ) -> None:
        self._span = started
        self._edge = edge
        self._is_server = is_server
        self._token: contextvars.Token[Span] | None = None
        context = started.get_span_context()
        self.traceparent: str | None = (
            f"{_VERSION}-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        )

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute."""
        self._span.set_attribute(name, value)

    def route(self, method: str, route: str) -> None:
        """Name it by the route that a request was for."""
        for one in self._both():
            one.update_name(f"{method} {route}")
            one.set_attribute("http.route", route)

    def status(self, code: int) -> None:
        """The status that a request was answered with; the server's errors are its span's."""
        is_error = code >= (500 if self._is_server else 400)
        for one in self._both():
            one.set_attribute("http.response.status_code", code)
            if is_error:
                one.set_attribute("error.type", str(code))
                one.set_status(Status(StatusCode.ERROR))

    def failed(self, error_type: str) -> None:
        """It failed; `error_type` is a class's name, never a message."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Self:
        self._token = tracing.enter(self)
        return self

    def __exit__(self, type_: type[BaseException] | None, *_: object) -> None:
        if self._token is not None:
            tracing.leave(self._token)
        if type_ is not None and issubclass(type_, Exception):
            self.failed(type_.__name__)
        for one in self._both():
            one.end()

    def _both(self) -> list[trace.Span]:
        return [self._span] if self._edge is None else [self._span, self._edge]


def _context(parent: str | None) -> Context:
    """A context whose span is `parent`; without one the span begins a trace."""
    if parent is None:
        return Context()
    _version, trace_id, span_id, flags = parent.split("-")
    remote = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(flags, 16)),
    )
    return set_span_in_context(NonRecordingSpan(remote), Context())
