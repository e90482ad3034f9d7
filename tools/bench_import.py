"""`make bench`'s part for the move: how fast the Django mediator's records come over.

    python tools/bench_import.py [--database sqlite|postgres] [--calls 100000] [--clients 1000]
                                 [--messages 50000]

Both services' commands run as an operator runs them, with their migrations. The proxy's is killed
in the middle once and begun again; the counts must be the same as the mediator's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django_mediator_schema as old
import psutil
import sqlalchemy as sa
from bench_database import load, postgres_database

NOW = datetime.now(UTC)
LONGEST_S, MOST_MB = 180.0, 200.0
#: How often it is looked how much memory a command has.
LOOK_EVERY_S = 0.05
_CODES = {
    "module": ["REGISTRATION"],
    "channel": ["SMS", "EMAIL", "IN_APP"],
    "status": ["QUEUED", "SENT", "DELIVERED", "FAILED", "CANCELLED"],
    "actor_type": ["TEACHER"],
}


def main() -> int:
    """Measure what the arguments ask for; 0 when the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=50_000)
    given = parser.parse_args()
    total_s, peak_mb, is_whole = measure(given.database, given.calls, given.clients, given.messages)
    return 0 if is_whole and total_s <= LONGEST_S and peak_mb <= MOST_MB else 1


def measure(kind: str, calls: int, clients: int, messages: int) -> tuple[float, float, bool]:
    """Let everything come over: the seconds, the most MB, and whether nothing is missing."""
    with databases(kind) as (theirs, ours, folder):
        fill(theirs, calls, clients, messages)
        environ = {**os.environ, "VAR_DIR": folder, "LOG_LEVEL": "ERROR"}
        if kind == "postgres":
            environ["DATABASE_URL"] = ours
        for service in ("proxy", "notification"):
            run(environ, service, "db", "upgrade")
        killed_s = kill_in_the_middle(
            environ, theirs, lambda: counted(kind, ours, folder, *_TABLES[0]), calls
        )
        took = [measured(environ, service, theirs) for service in ("proxy", "notification")]
        found = {table: counted(kind, ours, folder, *table) for table in _TABLES}
    wanted = dict(zip(_TABLES, (calls, clients, messages), strict=True))
    total_s, peak_mb = killed_s + sum(one[0] for one in took), max(one[1] for one in took)
    print(f"{kind}: {total_s:.0f} s in all, at most {peak_mb:.0f} MB; {found}")
    return total_s, peak_mb, found == wanted


_TABLES = (("proxy", "transactions"), ("proxy", "clients"), ("notification", "outbox"))


@contextmanager
def databases(kind: str) -> Iterator[tuple[str, str, str]]:
    """The mediator's database and ours, by their URLs, and a folder for ours."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/mediator.sqlite3", "", folder
            return
        with postgres_database() as theirs, postgres_database() as ours:
            if theirs is None or ours is None:
                raise SystemExit("There is no PostgreSQL to measure")
            yield theirs, ours, folder


def fill(url: str, calls: int, clients: int, messages: int) -> None:
    """Make the mediator's database."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    old.METADATA.create_all(engine)
    put_settings(engine, clients)
    _load(engine, old.TRANSACTION, (a_call(number, clients, calls) for number in range(calls)))
    _load(engine, old.OUTBOX, (a_message(number) for number in range(messages)))
    engine.dispose()


def _load(engine: sa.Engine, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    """In pieces: the largest of them is a table of megabytes."""
    first = next(rows, None)
    if first is None:
        return
    load(engine, table, [list(first.values())], list(first))
    load(engine, table, (list(row.values()) for row in rows), list(first))


def put_settings(engine: sa.Engine, clients: int) -> None:
    """Clients with secrets, a channel, the vocabulary."""
    old.put(
        engine,
        old.CLIENT,
        *(
            {
                "id": number + 1,
                "name": f"Client {number}",
                "client_id": f"client-{number}",
                "client_secret": uuid.uuid4().hex,
                "allowed_ips": [],
                "is_active": True,
                "updated_at": NOW,
            }
            for number in range(clients)
        ),
    )
    mediator = {"id": 1, "name": "Registry", "urn": "urn:mediator:registry", "version": "1.0"}
    old.put(engine, old.MEDIATOR, {**mediator, "endpoint_url": "http://127.0.0.1:9"})
    channel = {"id": 1, "name": "Patients", "path_pattern": "/patients/*", "mediator_id": 1}
    old.put(engine, old.CHANNEL, {**channel, "channel_type": "http", "priority": 1})
    for vocabulary, codes in _CODES.items():
        rows = [
            {"id": at + 1, "code": code, "name": code, "is_active": True}
            for at, code in enumerate(codes)
        ]
        old.put(engine, old.LOOKUPS[vocabulary], *rows)
    normal = {"id": 1, "code": "NORMAL", "name": "Normal", "weight": 50, "is_active": True}
    old.put(engine, old.LOOKUPS["priority"], normal)
    event = {"id": 1, "code": "EXAM_PASSED", "module_id": 1, "is_active": True}
    old.put(engine, old.EVENT, event)


def a_call(number: int, clients: int, calls: int) -> dict[str, Any]:
    """A call of the last month, with bodies of a usual size; as the driver takes it."""
    at = NOW - timedelta(days=30) + timedelta(days=29) * (number / calls)
    return {
        "id": number + 1,
        "correlation_id": uuid.uuid4(),
        "channel_id": 1,
        "client_id": number % clients + 1,
        "status": "successful",
        "request_method": "POST",
        "request_url": f"http://127.0.0.1:9/patients/{number}",
        "request_headers": '{"Content-Type": "application/json", "X-Client-Secret": "***"}',
        "request_body": '{"data": "' + "x" * 200 + '"}',
        "response_status_code": 200,
        "response_headers": '{"Content-Type": "application/json"}',
        "response_body": '{"data": "' + "y" * 1_000 + '"}',
        "error_message": "",
        "started_at": at,
        "completed_at": at + timedelta(milliseconds=40),
    }


def a_message(number: int) -> dict[str, Any]:
    """A message that waits."""
    return {
        "id": number + 1,
        "event_code": "EXAM_PASSED",
        "channel_id": 1,
        "priority_id": 1,
        "status_id": 1,
        "recipient_user_id": number,
        "recipient_actor_type_id": 1,
        "subject": "",
        "body": f"Candidate {number} has passed",
        "to_phone": f"07{number:08}",
        "to_email": "",
        "entity_type": "exam",
        "entity_id": str(number),
        "payload": "{}",
        "attempt_count": 0,
        "max_attempts": 5,
        "next_attempt_at": NOW,
        "last_error": "",
        "idempotency_key": str(uuid.uuid4()),
        "created_at": NOW - timedelta(days=1),
    }


def _command(service: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", service, *arguments]


def run(environ: dict[str, str], service: str, *arguments: str) -> None:
    """Run a command to its end. Raises CalledProcessError."""
    subprocess.run(_command(service, *arguments), env=environ, check=True, capture_output=True)


def start(environ: dict[str, str], service: str, url: str) -> "subprocess.Popen[bytes]":
    """Begin a service's import."""
    command = _command(service, "import-django-mediator", "--database-url", url)
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)


def kill_in_the_middle(
    environ: dict[str, str], url: str, calls_here: Callable[[], int], calls: int
) -> float:
    """Begin the proxy's import and kill it half-way; returns the seconds that it had."""
    began = time.monotonic()
    process = start(environ, "proxy", url)
    while calls_here() < calls // 2:
        if process.poll() is not None:
            raise SystemExit("The import ended before it could be killed")
        time.sleep(LOOK_EVERY_S)
    process.kill()
    process.wait()
    print(f"Killed with {calls_here()} of {calls} calls here")
    return time.monotonic() - began


def measured(environ: dict[str, str], service: str, url: str) -> tuple[float, float]:
    """Run a service's import to its end: its seconds, and the most memory that it had, in MB."""
    began, most = time.monotonic(), 0
    process = start(environ, service, url)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            most = max(most, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(LOOK_EVERY_S)
    if process.wait():
        raise SystemExit(f"{service}: the import failed")
    took = time.monotonic() - began
    print(f"{service}: {took:.0f} s, {most / 1e6:.0f} MB")
    return took, most / 1e6


def counted(kind: str, url: str, folder: str, schema: str, table: str) -> int:
    """How many rows a table of a service has."""
    if kind == "sqlite":
        url, schema_of = f"sqlite:///{Path(folder) / f'{schema}.sqlite3'}", None
    else:
        url, schema_of = url.replace("postgresql://", "postgresql+psycopg://"), schema
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = sa.select(sa.func.count()).select_from(sa.table(table, schema=schema_of))
        found = connection.scalar(query) or 0
    engine.dispose()
    return found


if __name__ == "__main__":
    sys.exit(main())
