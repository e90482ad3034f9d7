"""A collector on loopback: it takes what is exported over OTLP, and lets tests look."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Collected:
    """A span as it was exported; ids are hexadecimal."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class Measured:
    """A value of a metric as it was exported; a sum, or a gauge."""

    service: str
    instance: str
    name: str
    attributes: dict[str, Any]
    value: float
    is_sum: bool
    start_ns: int


class Collector(ThreadingHTTPServer):
    """Listens on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans: list[Collected] = []
        self.measured: list[Measured] = []
        #: Everything that was exported, to be searched for what must not be in it.
        self.raw = b""
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def values(self, name: str) -> list[Measured]:
        with self.lock:
            return [one for one in self.measured if one.name == name]

    def trace(self, trace_id: str) -> list[Collected]:
        with self.lock:
            return [one for one in self.spans if one.trace_id == trace_id]


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.raw += body
            match self.path:
                case "/v1/traces":
                    self.server.spans += _spans(body)
                case "/v1/metrics":
                    self.server.measured += _measured(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _spans(body: bytes) -> Iterator[Collected]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(of_resource.resource.attributes)
        for scope in of_resource.scope_spans:
            for one in scope.spans:
                yield Collected(
                    resource["service.name"],
                    one.name,
                    one.trace_id.hex(),
                    one.span_id.hex(),
                    one.parent_span_id.hex(),
                    _values(one.attributes),
                    one.start_time_unix_nano,
                    one.end_time_unix_nano,
                )


def _measured(body: bytes) -> Iterator[Measured]:
    for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        resource = _values(of_resource.resource.attributes)
        for scope in of_resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                for point in getattr(metric, kind).data_points:
                    yield Measured(
                        resource["service.name"],
                        resource["service.instance.id"],
                        metric.name,
                        _values(point.attributes),
                        point.as_double or point.as_int,
                        kind == "sum",
                        point.start_time_unix_nano,
                    )


def _values(pairs: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in pairs}


@contextmanager
def otlp_collector() -> Iterator[Collector]:
    with Collector() as collector:
        serving = threading.Thread(target=collector.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            serving.join()
