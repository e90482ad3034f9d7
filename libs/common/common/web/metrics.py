"""Prometheus metrics of a service with several processes: `/metrics` on its own port.

The processes share files under `PROMETHEUS_MULTIPROC_DIR`; without it each answers for itself.
"""

import os

from flask import Blueprint, Flask, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

#: Of `exposition`.
CONTENT_TYPE = CONTENT_TYPE_LATEST

_pages = Blueprint("metrics", __name__)


def register_metrics(app: Flask, *collectors: Collector) -> None:
    """Add the page to `app`; `collectors` are asked whenever it is read, by one process for all."""
    registry = CollectorRegistry()
    for one in collectors:
        registry.register(one)
    app.extensions["kiungo-collectors"] = registry
    app.register_blueprint(_pages)


@_pages.get("/metrics")
def metrics() -> Response:
    """The metrics of all processes of this service, in Prometheus' text format."""
    asked = generate_latest(current_app.extensions["kiungo-collectors"])
    return Response(exposition() + asked, content_type=CONTENT_TYPE)


def exposition() -> bytes:
    """The same as bytes of type CONTENT_TYPE."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
