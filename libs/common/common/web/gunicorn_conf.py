"""Gunicorn's settings for every service.

    gunicorn -c python:common.web.gunicorn_conf 'proxy.app:create_app()'

Without an application on the command line it is the one that `WSGI_APP` names (containers). Bind
address, workers and worker class come from the environment (see the README's table).
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from common.db.database import (
    connections_of_a_process,
    database_url,
    processes_of_an_installation,
)
from common.loading import loading
from common.logs import get_logger
from common.metrics import INSTANCE_FILE, SHARED_FOLDER, push_metrics
from common.settings import (
    Environment,
    SettingError,
    gateways_beside,
    process_environment,
)
from common.tracing import close_tracing
from common.web.metrics import EXTENSION

log = get_logger(__name__)

wsgi_app = os.environ.get("WSGI_APP")
bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
#: `threads` for Flask, `asyncio` for an event loop.
worker_class = {
    "threads": "common.web.gunicorn_worker.DrainingThreadWorker",
    "asyncio": "common.web.gunicorn_worker.AsyncioWorker",
}[os.environ.get("WORKER_CLASS", "threads")]
if worker_class.endswith("AsyncioWorker"):
    workers = int(os.environ.get("GATEWAY_CONCURRENCY") or gateways_beside(workers))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_connections = 2000
keepalive = 75
graceful_timeout = 30
timeout = 60
# Instances of one user would share the control socket's default path.
control_socket_disable = True
accesslog = None
errorlog = "-"
logger_class = "common.web.gunicorn_logs.JsonLogger"
# nginx alone decides what a client's header may claim;
# services read the request context that it leaves.
forwarded_allow_ips = ""
# nginx bounds the line (16 KiB) and answers with a problem; 8190 here would be a page of HTML.
limit_request_line = 0
limit_request_field_size = 16380


def on_starting(server: Any) -> None:
    """Load the app's code once for all workers: they start soon and share its memory.

    HUP would not load new code.
    """
    forget_metrics()
    with loading():
        import_module(server.app.app_uri.partition(":")[0])


def when_ready(_server: Any) -> None:
    """Say how many connections the database must give this process and the installation."""
    try:
        settings = Environment.read(process_environment(tells=False))
    except SettingError:
        return  # each worker says so, and ends
    if database_url(settings, "").startswith("sqlite"):
        return
    most, each = settings.db_connections_max, connections_of_a_process(settings)
    taken = each * processes_of_an_installation(settings)
    known = {
        "of_each_process": each,
        "of_all": taken,
        "most": most,
    }
    if taken > most:
        log.warning("database_connections", reason="DB_CONNECTIONS_MAX is too low", **known)
    else:
        log.info("database_connections", **known)


def forget_metrics() -> None:
    """Those of processes that are gone must not be counted again."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for stale in [*Path(folder).glob("*.db"), Path(folder, INSTANCE_FILE)]:
            stale.unlink(missing_ok=True)


def post_worker_init(worker: Any) -> None:
    """Push the metrics of this service's processes, where that is set."""
    collectors = getattr(worker.wsgi, "extensions", {}).get(EXTENSION, CollectorRegistry())
    settings = Environment.read(process_environment(tells=False))
    push_metrics(service_of(worker.app.app_uri), settings, collectors)


def service_of(app_uri: str) -> str:
    """What an application is called in traces: `proxy-gateway` of `proxy.gateway.app:…`."""
    module = app_uri.partition(":")[0].removesuffix(".app")
    return module.replace(".", "-").replace("_", "-")


def worker_exit(_server: Any, _worker: Any) -> None:
    """Export a worker's last spans, where there are any."""
    close_tracing()


def child_exit(_server: Any, worker: Any) -> None:
    """Fold an ended worker's gauges."""
    if os.environ.get(SHARED_FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
