"""Systems for tests: either shape, on free ports, ended with what was made for them."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest
from backup import restore
from database_link import database_link
from forked_process import ForkServer
from hub import Hub
from kombu import Connection
from ports import unused_ports
from procfile import read_procfile
from stack import ROOT, Stack

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")
#: Short, so that tests of what a dead worker leaves need not wait long.
SETTINGS = {
    "ASYNC_LEASE_SECONDS": "3",
    "ESB_READ_TIMEOUT": "8",
    "MEDIATOR_FORWARD_TIMEOUT": "3",
    "MEDIATOR_CONNECT_TIMEOUT": "2",
    "REQUEST_BODY_MAX_BYTES": "16000000",
    "ENABLE_HEALTH_DEPENDENCY_CHECKS": "true",
    "ELIGIBLE_NOTIFICATION_TYPES": "all",
    "PAYMENT_EVENTS": "all",
    "PROVIDERS": '{"TextNotificationProvider": {"WithRecipient": true}}',
    "SCHEME_TIMEZONE": "UTC",
    # Half the start of a system is loading code; tests of several processes say so.
    "WEB_CONCURRENCY": "1",
    "GATEWAY_CONCURRENCY": "1",
    # The server's hundred are for the services' own tests, too.
    "DB_CONNECTIONS_MAX": "60",
    # Not while tests run: they ask for their runs themselves.
    "SCHEDULED_TASK_HOUR": str((datetime.now(UTC).hour + 12) % 24),
}

#: With those that stand in for others in the demonstration.
SERVICES = (
    "proxy",
    "esb-relay",
    "policy-notify",
    "notification",
    "demo-govesb",
    "demo-mail",
    "demo-mediator",
)

#: Shapes for tests that start a system of their own, or wait for clocks: the second one in
#: `make faults`.
MOSTLY_PRODUCTION = ["production", pytest.param("embedded", marks=pytest.mark.faults)]
MOSTLY_EMBEDDED = ["embedded", pytest.param("production", marks=pytest.mark.faults)]

Start = Callable[..., Hub]


def staff_settings() -> dict[str, str]:
    """How staff may sign in besides: at a provider that tests start, by passkeys, which browsers
    know at names only, and by links in e-mails."""
    provider, nginx = map(str, unused_ports(2))
    return {
        "NGINX_PORT": nginx,
        "CONSOLE_URL": f"http://localhost:{nginx}",
        "OIDC_ISSUER": f"http://127.0.0.1:{provider}",
        "OIDC_CLIENT_ID": "kiungo",
        "OIDC_CLIENT_SECRET": "a client's secret",
        "OIDC_ROLES": '{"hub-admins": "admin", "staff": "viewer"}',
        "OIDC_LABEL": "The ministry's sign-in",
    }


@contextmanager
def broker_of_its_own() -> Iterator[str]:
    """The URL of a new virtual host: nobody else takes what is queued there. Or skips."""
    name = f"kiungo_e2e_{uuid.uuid4().hex[:10]}"
    try:
        _rabbitmqctl("add_vhost", name)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("a RabbitMQ virtual host can be made only by its administrator (rabbitmqctl)")
    try:
        _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"{RABBITMQ}/{name}"
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*arguments: str) -> None:
    """Administrators' accounts have it in `sbin`."""
    found = shutil.which("rabbitmqctl", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError("rabbitmqctl")
    subprocess.run([found, "-q", *arguments], check=True, capture_output=True, timeout=60)


@contextmanager
def shape_environ(
    shape: str, *, own_broker: bool = False, connection_limit: int | None = None
) -> Iterator[dict[str, str]]:
    """What chooses the shape; `production` has a database of its own, or skips.

    With a limit the database belongs to a role that may have no more connections.
    """
    if shape == "embedded":
        yield {}
        return
    name = f"kiungo_e2e_{uuid.uuid4().hex[:10]}"
    try:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute(f'CREATE DATABASE "{name}"')
            # No test crashes the server: commits need not wait for the disk that all tests share.
            server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        with Connection(RABBITMQ, connect_timeout=3) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except (psycopg.OperationalError, OSError) as exc:
        pytest.skip(f"PostgreSQL and RabbitMQ are not both reachable: {type(exc).__name__}")
    database_url = f"{POSTGRES}/{name}"
    if connection_limit is not None:
        database_url = database_url.replace("postgres@", f"{name}@")
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'CREATE ROLE "{name}" LOGIN CONNECTION LIMIT {connection_limit}')
            server.execute(f'ALTER DATABASE "{name}" OWNER TO "{name}"')
    try:
        with broker_of_its_own() if own_broker else nullcontext(RABBITMQ) as url:
            yield {"DATABASE_URL": database_url, "RABBITMQ_URL": url}
    finally:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            server.execute(f'DROP ROLE IF EXISTS "{name}"')


class Starts:
    """How processes are started: tests that start many systems need not load all code anew."""

    #: In `make faults` each is started as `make up` does.
    are_forked = False


@cache
def _forks() -> ForkServer:
    return ForkServer()


def close_forks() -> None:
    """End the process that others were forked from, where there is one."""
    if _forks.cache_info().currsize:
        _forks().close()
        _forks.cache_clear()


@contextmanager
def systems(folder: Path, *, forked: bool = True) -> Iterator[Start]:
    """A function that starts systems: `start("embedded", MEDIATOR_MODE="pure_esb")`.

    Its processes are `forked` where tests shall be quick, else started as `make up` does.

    Without `own_broker` those in the production shape share RabbitMQ's queues. Where a test needs
    only some `services`, the others are left out: each takes seconds to start. `more` are
    further lines of the Procfile. `linked`: the database is behind a link that can be broken.
    `restored` is a backup that the system begins with.
    """
    with ExitStack() as opened:
        count = 0

        def start(
            shape: str,
            *,
            services: Sequence[str] = SERVICES,
            own_broker: bool = False,
            linked: bool = False,
            connection_limit: int | None = None,
            restored: Path | None = None,
            more: Mapping[str, str] = MappingProxyType({}),
            **environ: str,
        ) -> Hub:
            nonlocal count
            count += 1
            shaped = opened.enter_context(
                shape_environ(shape, own_broker=own_broker, connection_limit=connection_limit)
            )
            link = None
            if linked:
                link = opened.enter_context(database_link(shaped["DATABASE_URL"]))
                shaped = {**shaped, "DATABASE_URL": link.url}
            out = opened.enter_context((folder / f"output-{count}.log").open("w"))
            whole = {**SETTINGS, **shaped, **environ}
            procfile = folder / f"Procfile-{count}"
            lines = [*(f"{name}: {command}\n" for name, command in more.items())]
            procfile.write_text("".join([*lines, *_lines_of(services)]))
            var_dir = folder / f"var-{count}"
            if restored is not None:
                restore(restored, var_dir, shaped)
            forks = _forks() if forked and Starts.are_forked else None
            stack = Stack.beside_others(var_dir, whole, procfile=procfile, out=out, forks=forks)
            return Hub(opened.enter_context(stack), shape, output=Path(out.name), link=link)

        yield start


def _lines_of(services: Sequence[str]) -> Iterator[str]:
    """The Procfile's lines of these services, each with all its processes, and of nginx."""
    for program in read_procfile(ROOT / "Procfile"):
        service = program.name.removesuffix("-worker").removesuffix("-gateway")
        if program.name == "nginx" or service in services:
            yield f"{program.name}: {program.command}\n"
