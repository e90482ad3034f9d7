"""Both databases and both brokers, empty, for tests of the shared library."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from common.db.database import Database, open_engine
from common.jobs.broker import BROKER_ERRORS, open_broker
from common.settings import Environment
from scratch_database import scratch_database

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672"


@pytest.fixture(scope="session")
def scratch_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL database of this test run's own, or a skip."""
    with scratch_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """Settings of a service on either database."""
    if request.param == "sqlite":
        return Environment(var_dir=tmp_path)
    url = request.getfixturevalue("scratch_postgres")
    return Environment(var_dir=tmp_path, db_engine="postgres", database_url_override=url)


@pytest.fixture
def schema(environment: Environment) -> str:
    """A schema that no other test uses."""
    name = f"s{uuid.uuid4().hex[:12]}"
    if environment.database_url_override:
        with psycopg.connect(environment.database_url_override, autocommit=True) as server:
            server.execute(f'CREATE SCHEMA "{name}"')
    return name


@pytest.fixture
def database(environment: Environment, schema: str) -> Iterator[Database]:
    """A database without tables."""
    engine = open_engine(environment, schema)
    yield Database(engine)
    engine.dispose()


@pytest.fixture(params=["lease", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """Settings of a service with either broker, or a skip."""
    url = RABBITMQ if request.param == "rabbitmq" else None
    settings = Environment(var_dir=tmp_path, rabbitmq_url=url)
    try:
        with open_broker(settings) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except BROKER_ERRORS as exc:
        pytest.skip(f"no broker at {url}: {type(exc).__name__}")
    return settings


@pytest.fixture
def queue(broker: Environment) -> Iterator[str]:
    """The name of a queue of this test's own; it and its dead letters go afterwards."""
    name = f"test.{uuid.uuid4().hex[:12]}"
    yield name
    with open_broker(broker) as connection:
        for one in (name, f"{name}.dead"):
            connection.default_channel.queue_delete(one)
