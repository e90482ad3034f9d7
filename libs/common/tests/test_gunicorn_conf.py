"""What gunicorn's master does before it forks workers."""

import os
import runpy
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from common.settings import Environment, SettingError
from common.web import gunicorn_conf
from common.web.gunicorn_worker import AsyncioWorker, DrainingThreadWorker
from gunicorn.errors import AppImportError

SERVER = SimpleNamespace(app=SimpleNamespace(app_uri="no_such_app:create_app()"))


@pytest.mark.parametrize("worker_class", ["DrainingThreadWorker", "AsyncioWorker"])
def test_code_is_loaded_once_for_all_workers(
    monkeypatch: pytest.MonkeyPatch, worker_class: str
) -> None:
    monkeypatch.setattr(gunicorn_conf, "worker_class", f"common.web.gunicorn_worker.{worker_class}")
    with pytest.raises(ModuleNotFoundError, match="no_such_app"):
        gunicorn_conf.on_starting(SERVER)


@pytest.mark.parametrize(
    ("given", "hub", "gateway"),
    [
        ({}, 2, 1),
        ({"WEB_CONCURRENCY": "1"}, 1, 1),
        ({"WEB_CONCURRENCY": "8"}, 8, 4),
        ({"WEB_CONCURRENCY": "3", "GATEWAY_CONCURRENCY": "5"}, 3, 5),
    ],
)
def test_a_gateway_has_half_of_the_processes_of_a_hub(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], hub: int, gateway: int
) -> None:
    for name in ("WEB_CONCURRENCY", "GATEWAY_CONCURRENCY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Environment.read(given)
    assert (settings.web_concurrency, settings.gateway_processes) == (hub, gateway)
    for worker_class, workers in (("threads", hub), ("asyncio", gateway)):
        monkeypatch.setenv("WORKER_CLASS", worker_class)
        assert runpy.run_path(gunicorn_conf.__file__)["workers"] == workers


def test_application_of_an_image_is_named_by_its_environment() -> None:
    """gunicorn itself says what it would serve; the command line goes before the variable."""
    start = [sys.executable, "-m", "gunicorn", "-c", "python:common.web.gunicorn_conf"]
    environ = {**os.environ, "WSGI_APP": "no_such_app:create_app()"}
    for arguments, missing in ([], "no_such_app"), (["another:app"], "another"):
        done = subprocess.run(
            [*start, "--check-config", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"No module named '{missing}'" in done.stderr
        assert done.returncode != 0


@pytest.mark.parametrize("kind", [AsyncioWorker, DrainingThreadWorker])
def test_a_wrong_setting_ends_a_worker_in_one_line(kind: type[Any]) -> None:
    def wsgi() -> None:
        raise SettingError("WAIT cannot be read: expected a number above zero")

    worker = object.__new__(kind)
    worker.app = SimpleNamespace(wsgi=wsgi)
    # gunicorn prints what such an error says, and stops.
    with pytest.raises(AppImportError, match=r"^WAIT cannot be read") as ended:
        worker.load_wsgi()
    assert ended.value.__suppress_context__
