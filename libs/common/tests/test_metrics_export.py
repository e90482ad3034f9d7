"""What `/metrics` says reaches a collector of OpenTelemetry, once for a service's processes."""

import enum
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from common.metrics_export import MetricsPush
from common.settings import Environment, SettingError
from otlp_collector import Collector as OtlpCollector
from otlp_collector import Measured, otlp_collector
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

EVERY_MS = 50
PROCESS = """
import sys, time
from prometheus_client import Counter
from common.metrics import push_metrics
from common.settings import Environment
Counter("calls", "Calls", ["channel"]).labels("a").inc(int(sys.argv[1]))
url, every_ms = sys.argv[2], int(sys.argv[3])
settings = Environment(
    otlp_endpoint=url, metrics_exporter="otlp", metric_export_interval_ms=every_ms
)
push_metrics("test", settings)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with otlp_collector() as started:
        yield started


Start = Callable[[int], subprocess.Popen[str]]


@pytest.fixture
def start(collector: OtlpCollector, tmp_path: Path) -> Iterator[Start]:
    """Starts processes of one service, that have counted some calls each."""
    with ExitStack() as opened:

        def started(calls: int) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", PROCESS, str(calls), collector.url, str(EVERY_MS)],
                env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            opened.enter_context(process)
            opened.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            return process

        yield started


def eventually(find: Callable[[], list[Measured]]) -> list[Measured]:
    until = time.monotonic() + 20
    while not (found := find()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def test_processes_of_a_service_are_one_whoever_pushes(
    collector: OtlpCollector, start: Start
) -> None:
    first = start(2)
    start(3)
    both = eventually(lambda: [one for one in collector.values("calls") if one.value == 5])
    first.kill()
    first.wait()
    pushed = len(collector.values("calls"))
    later = eventually(lambda: collector.values("calls")[pushed + 1 :])
    assert {one.instance for one in later} == {one.instance for one in both}
    assert {one.start_ns for one in later} == {one.start_ns for one in both}
    assert {one.value for one in later} == {5}


def test_only_one_of_them_pushes(collector: OtlpCollector, start: Start) -> None:
    for calls in range(3):
        start(calls)
    began = time.monotonic()
    seen = len(collector.values("calls"))
    eventually(lambda: collector.values("calls")[seen + 9 :])
    passed_ms = (time.monotonic() - began) * 1000
    assert passed_ms > 9 * EVERY_MS * 0.9


class Channel(enum.StrEnum):
    SMS = "SMS"


class Asked(Collector):
    """Values as collectors of ours give them: Prometheus' text takes them as they are."""

    def collect(self) -> Iterator[Metric]:
        paused = GaugeMetricFamily("paused", "Paused", labels=["channel"])
        paused.add_metric([Channel.SMS], True)
        yield paused


def test_families_come_with_their_kinds_and_labels(collector: OtlpCollector) -> None:
    registry = CollectorRegistry()
    Counter("taken", "Taken", ["channel"], registry=registry).labels("a").inc(2)
    Gauge("waiting", "Waiting", ["queue"], registry=registry).labels("b").set(7)
    Histogram("took", "Took", buckets=[1], registry=registry).observe(0.5)
    registry.register(Asked())
    settings = Environment(metrics_exporter="otlp", otlp_endpoint=collector.url)
    MetricsPush("test", settings, [registry]).push()

    def one(name: str) -> tuple[object, ...]:
        found, *_ = collector.values(name)
        return found.service, found.attributes, found.value, found.is_sum

    assert one("taken") == ("test", {"channel": "a"}, 2, True)
    assert one("waiting") == ("test", {"queue": "b"}, 7, False)
    assert one("paused") == ("test", {"channel": "SMS"}, 1, False)
    assert one("took_bucket") == ("test", {"le": "1.0"}, 1, True)
    assert one("took_count") == ("test", {}, 1, True)
    assert one("process.uptime")[1:] == ({}, pytest.approx(0, abs=20), False)
    assert not [name for name in {one.name for one in collector.measured} if "created" in name]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, None),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "http://localhost:4318/v1/metrics"),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"},
            "http://c:4318/v1/metrics",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m/x"},
            "http://m/x",
        ),
    ],
)
def test_metrics_go_where_the_standard_says(given: dict[str, str], expected: str | None) -> None:
    assert Environment.read(given).metrics_url == expected


def test_another_exporter_is_no_setting() -> None:
    with pytest.raises(SettingError, match="OTEL_METRICS_EXPORTER"):
        Environment.read({"OTEL_METRICS_EXPORTER": "prometheus"})
