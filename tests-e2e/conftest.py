"""The whole system in both shapes, started as `make up` starts it, reached through nginx."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hub import Hub, unique
from kombu import Connection
from raw_mediator import RawMediator, raw_mediator
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
}


def production_environ() -> Iterator[dict[str, str]]:
    """A PostgreSQL database and a RabbitMQ virtual host's queues for one session, or a skip."""
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


def shape_environ(shape: str) -> Iterator[dict[str, str]]:
    """What chooses the shape."""
    if shape == "production":
        yield from production_environ()
    else:
        yield {}


@pytest.fixture(scope="session", params=["embedded", "production"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One running system for all tests of a shape that do not break it."""
    for environ in shape_environ(request.param):
        folder = tmp_path_factory.mktemp(request.param)
        with (
            (folder / "output.log").open("w") as out,
            Stack.beside_others(folder / "var", {**SETTINGS, **environ}, out=out) as stack,
        ):
            yield Hub(stack, request.param)


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Starts systems of a test's own: `own_hub("embedded", MEDIATOR_MODE="pure_esb")`."""
    with _Opened() as opened:

        def start(shape: str, **environ: str) -> Hub:
            shaped = opened.enter(shape_environ(shape))
            var_dir = tmp_path / f"var-{len(opened.stacks)}"
            out = opened.file(tmp_path / f"output-{len(opened.stacks)}.log")
            stack = Stack.beside_others(var_dir, {**SETTINGS, **shaped, **environ}, out=out)
            opened.stacks.append(stack)
            stack.up()
            return Hub(stack, shape)

        yield start


class _Opened:
    """What a test started, ended in the opposite order."""

    def __init__(self) -> None:
        self.stacks: list[Stack] = []
        self._generators: list[Iterator[dict[str, str]]] = []
        self._files: list[Any] = []

    def __enter__(self) -> "_Opened":
        return self

    def enter(self, generator: Iterator[dict[str, str]]) -> dict[str, str]:
        self._generators.append(generator)
        return next(generator)

    def file(self, path: Path) -> Any:
        self._files.append(path.open("w"))
        return self._files[-1]

    def __exit__(self, *_: object) -> None:
        for stack in reversed(self.stacks):
            stack.stop()
        for generator in self._generators:
            next(generator, None)
        for file in self._files:
            file.close()


@pytest.fixture
def mediator() -> Iterator[RawMediator]:
    """A mediator that shows and answers every byte."""
    with raw_mediator() as started:
        yield started


@pytest.fixture
def base(hub: Hub, mediator: RawMediator) -> str:
    """A path of this test's own; everything below it goes to `mediator`."""
    path = f"/{unique('t')}"
    record = hub.new_mediator(mediator.url)
    hub.new_channel(f"{path}/*", record["id"])
    eventually(lambda: hub.call("GET", f"{path}/ready").status_code == 200)
    mediator.received.clear()
    return path


def eventually(condition: Callable[[], T], timeout_s: float = 20.0) -> T:
    """Wait until `condition` holds; its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually
