"""Prometheus metrics of a service with several processes: `/metrics` on its own port.

The processes share files under `PROMETHEUS_MULTIPROC_DIR`; without it each answers for itself.
"""

from flask import Blueprint, Flask, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from common.metrics import shared_registry

#: Of `exposition`.
CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Where an app keeps what is asked whenever the page is read.
EXTENSION = "kiungo-collectors"

_pages = Blueprint("metrics", __name__)


def register_metrics(app: Flask, *collectors: Collector) -> None:
    """Add the page to `app`; `collectors` are asked whenever it is read, by one process for all."""
    registry = CollectorRegistry()
    for one in collectors:
        registry.register(one)
    app.extensions[EXTENSION] = registry
    app.register_blueprint(_pages)


@_pages.get("/metrics")
def metrics() -> Response:
    """The metrics of all processes of this service, in Prometheus' text format."""
    asked = generate_latest(current_app.extensions[EXTENSION])
    return Response(exposition() + asked, content_type=CONTENT_TYPE)


def exposition() -> bytes:
    """The same as bytes of type CONTENT_TYPE."""
    return generate_latest(shared_registry())
