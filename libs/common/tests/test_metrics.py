"""The metrics of a service are those of all its processes together."""

import subprocess
import sys
from pathlib import Path

import pytest
from common.web import gunicorn_conf

PROCESS = """
import sys
from flask import Flask
from prometheus_client import Counter
from common.web.metrics import register_metrics
calls = Counter("calls", "Calls", ["channel"])
calls.labels("a").inc(int(sys.argv[1]))
app = Flask("test")
register_metrics(app)
answer = app.test_client().get("/metrics")
assert answer.status_code == 200, answer.status
assert answer.content_type.startswith("text/plain"), answer.content_type
print(answer.get_data(as_text=True))
"""


def metrics(folder: Path | None, calls: int) -> str:
    """The page of a process of its own that has counted `calls`."""
    environ = {"PYTHONPATH": str(Path(__file__).parents[1])}
    if folder is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return subprocess.run(
        [sys.executable, "-c", PROCESS, str(calls)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_processes_are_counted_together(tmp_path: Path) -> None:
    metrics(tmp_path, 2)
    assert 'calls_total{channel="a"} 5.0' in metrics(tmp_path, 3)


def test_process_without_a_shared_folder_answers_for_itself() -> None:
    assert 'calls_total{channel="a"} 3.0' in metrics(None, 3)


def test_processes_of_an_earlier_start_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "new"))
    gunicorn_conf.forget_metrics()
    metrics(tmp_path / "new", 2)
    gunicorn_conf.forget_metrics()
    assert 'calls_total{channel="a"} 3.0' in metrics(tmp_path / "new", 3)
