"""Prometheus metrics of a service with several processes: `/metrics` on its own port.

The processes share files under `PROMETHEUS_MULTIPROC_DIR`; without it each answers for itself.
"""

import os

from flask import Blueprint, Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_pages = Blueprint("metrics", __name__)


def register_metrics(app: Flask) -> None:
    """Add the page to `app`."""
    app.register_blueprint(_pages)


@_pages.get("/metrics")
def metrics() -> Response:
    """The metrics of all processes of this service, in Prometheus' text format."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
