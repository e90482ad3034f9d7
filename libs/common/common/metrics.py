"""The metrics of all processes of a service together, as Prometheus reads them at `/metrics`.

They may be pushed over OTLP as well: `OTEL_METRICS_EXPORTER=otlp`.
"""

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from common.settings import Environment

#: Where the processes of a service share what they count; without it each answers for itself.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Who they are together, in that folder.
INSTANCE_FILE = "instance"


def shared_registry() -> CollectorRegistry:
    """What the processes have counted; read anew whenever it is asked for."""
    if not os.environ.get(SHARED_FOLDER):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def push_metrics(service: str, settings: Environment, *more: CollectorRegistry) -> None:
    """Push this process's metrics and `more` as `service`'s, where the settings want that.

    Of the processes that share a folder one does so for all.
    """
    if settings.metrics_url is not None:
        from common.metrics_export import MetricsPush

        MetricsPush(service, settings, more).start()
