"""What `/metrics` says, pushed over OTLP (HTTP, protobuf) from a thread of its own.

Imported only where that is set. Of the processes that share a folder (`PROMETHEUS_MULTIPROC_DIR`)
one pushes for all, the next one once it is gone: they are one instance, whose id is in the folder.
A collector that is away misses what was pushed meanwhile; sums go on.
"""

import fcntl
import os
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family

from common.ids import moment_of, new_id
from common.jobs.worker import every
from common.metrics import INSTANCE_FILE, SHARED_FOLDER, shared_registry
from common.otlp import EXPORT_TIMEOUT_S, header_pairs, resource
from common.settings import Environment

#: Prometheus' types whose samples only grow.
_SUMS = frozenset({"counter", "histogram", "summary"})


class Instance:
    """The processes that share a folder, or one that shares none."""

    def __init__(self, folder: str | None) -> None:
        self._path = Path(folder) / INSTANCE_FILE if folder else None
        self._id = None if folder else new_id()
        self._locked: IO[str] | None = None

    def taken(self) -> uuid.UUID | None:
        """The instance's id, once this process pushes for it; None while another one does."""
        if self._id is None and self._path is not None:
            self._id = self._take(self._path)
        return self._id

    def _take(self, path: Path) -> uuid.UUID | None:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        self._locked = file  # until the process ends
        file.seek(0)
        known = file.read()
        if not known:
            known = str(new_id())
            file.write(known)
            file.flush()
        return uuid.UUID(known)


class MetricsPush:
    """Pushes the metrics of one service again and again."""

    def __init__(
        self, service: str, settings: Environment, more: Sequence[CollectorRegistry]
    ) -> None:
        self._service = service
        self._more = more
        self._every_s = settings.metric_export_interval_ms / 1000
        self._instance = Instance(os.environ.get(SHARED_FOLDER))
        self._exporter = OTLPMetricExporter(
            endpoint=settings.metrics_url,
            headers=header_pairs(settings.otlp_headers),
            timeout=EXPORT_TIMEOUT_S,
        )

    def start(self) -> None:
        """Push until the process ends."""
        every(self._every_s, self.push, threading.Event())

    def push(self) -> None:
        """Push once, if this process does."""
        instance = self._instance.taken()
        if instance is None:
            return
        registries = [shared_registry(), *self._more]
        since_ns = int(moment_of(instance).timestamp() * 1e9)
        now_ns = time.time_ns()
        found = metrics(chain(*(one.collect() for one in registries)), since_ns, now_ns)
        alive = _uptime(since_ns, now_ns)
        scope = ScopeMetrics(InstrumentationScope("kiungo"), [alive, *found], "")
        whole = ResourceMetrics(resource(self._service, instance), [scope], "")
        self._exporter.export(MetricsData([whole]))


def metrics(families: Iterable[Family], since_ns: int, now_ns: int) -> Iterator[Metric]:
    """Prometheus' families as OpenTelemetry's metrics, whose sums began at `since_ns`.

    Buckets and counts of a histogram are sums of their own, as Prometheus stores them.
    """
    for family in families:
        points: dict[str, list[NumberDataPoint]] = defaultdict(list)
        for one in family.samples:
            if not one.name.endswith("_created"):
                labels = {key: str(value) for key, value in one.labels.items()}
                point = NumberDataPoint(labels, since_ns, now_ns, float(one.value))
                points[one.name.removesuffix("_total")].append(point)
        for name, some in points.items():
            yield Metric(name, family.documentation, family.unit, _data(family, some))


def _uptime(since_ns: int, now_ns: int) -> Metric:
    """Who reads `/metrics` knows whether it is answered; here this says so."""
    point = NumberDataPoint({}, since_ns, now_ns, (now_ns - since_ns) / 1e9)
    return Metric("process.uptime", "For how long the service has run", "s", Gauge([point]))


def _data(family: Family, points: list[NumberDataPoint]) -> Sum | Gauge:
    if family.type in _SUMS:
        return Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return Gauge(points)
