"""What gunicorn's master does before it forks workers."""

from types import SimpleNamespace

import pytest
from common import gunicorn_conf

SERVER = SimpleNamespace(app=SimpleNamespace(app_uri="no_such_app:create_app()"))


def test_code_is_loaded_once_for_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunicorn_conf, "worker_class", "gthread")
    with pytest.raises(ModuleNotFoundError, match="no_such_app"):
        gunicorn_conf.on_starting(SERVER)


def test_gevents_workers_load_it_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that was made before the standard library is patched stops a worker for good."""
    monkeypatch.setattr(
        gunicorn_conf, "worker_class", "common.gunicorn_worker.DrainingGeventWorker"
    )
    gunicorn_conf.on_starting(SERVER)
