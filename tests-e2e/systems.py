"""Systems for tests: either shape, on free ports, ended with what was made for them."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from hub import Hub
from kombu import Connection
from stack import Stack

T = TypeVar("T")

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")
#: Short, so that tests of what a dead worker leaves need not wait long.
SETTINGS = {
    "ASYNC_LEASE_SECONDS": "3",
    "MEDIATOR_FORWARD_TIMEOUT": "3",
    "MEDIATOR_CONNECT_TIMEOUT": "2",
    "REQUEST_BODY_MAX_BYTES": "2000000",
    "ENABLE_HEALTH_DEPENDENCY_CHECKS": "true",
    "ELIGIBLE_NOTIFICATION_TYPES": "all",
    "PROVIDERS": '{"TextNotificationProvider": {}}',
    "SCHEME_TIMEZONE": "UTC",
    # Not while tests run: they ask for their runs themselves.
    "SCHEDULED_TASK_HOUR": str((datetime.now(UTC).hour + 12) % 24),
}

Start = Callable[..., Hub]


@contextmanager
def shape_environ(shape: str) -> Iterator[dict[str, str]]:
    """What chooses the shape; `production` has a database of its own, or skips."""
    if shape == "embedded":
        yield {}
        return
    name = f"kiungo_e2e_{uuid.uuid4().hex[:10]}"
    try:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        with Connection(RABBITMQ, connect_timeout=3) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except (psycopg.OperationalError, OSError) as exc:
        pytest.skip(f"PostgreSQL and RabbitMQ are not both reachable: {type(exc).__name__}")
    try:
        yield {"DATABASE_URL": f"{POSTGRES}/{name}", "RABBITMQ_URL": RABBITMQ}
    finally:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def systems(folder: Path) -> Iterator[Start]:
    """A function that starts systems: `start("embedded", MEDIATOR_MODE="pure_esb")`."""
    with ExitStack() as opened:
        count = 0

        def start(shape: str, **environ: str) -> Hub:
            nonlocal count
            count += 1
            shaped = opened.enter_context(shape_environ(shape))
            out = opened.enter_context((folder / f"output-{count}.log").open("w"))
            whole = {**SETTINGS, **shaped, **environ}
            stack = Stack.beside_others(folder / f"var-{count}", whole, out=out)
            return Hub(opened.enter_context(stack), shape)

        yield start


def eventually(condition: Callable[[], T], timeout_s: float = 20.0) -> T:
    """Wait until `condition` holds; its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
