"""`make bench`'s part for the record of calls: each filter of the list, and the statistics.

    python tools/bench_transactions.py [--calls 1000000] [--database sqlite|postgres]

A week of calls; what is hard to find is in the oldest ones, or nowhere. Asked over the API.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench_database import Row, analyze, load, scratch
from common.clock import rfc3339
from common.ids import new_id_at
from flask import Flask
from proxy import create_app
from proxy.access.signing import create_key
from proxy.config import SCHEMA, Settings
from proxy.models import Base
from proxy.statistics.rollup_job import roll_up_past_hours
from sqlalchemy import Engine

NOW = datetime.now(UTC)
WEEK = timedelta(days=7)
#: The oldest calls are like no other.
ODD_ONES = 20
LIST_GOAL_MS, STATISTICS_GOAL_MS = 200.0, 1000.0
ROUNDS = 5

FILTERS: list[dict[str, str]] = [
    {},
    {"status": "successful"},
    {"status": "failed"},
    {"status": "pending"},
    {"channel": "Channel 0"},
    {"channel": "Odd"},
    {"channel": "None"},
    {"client": "client-0"},
    {"client": "odd"},
    {"method": "GET"},
    {"method": "DELETE"},
    {"method": "PATCH"},
    {"response_status": "200"},
    {"response_status": "204"},
    {"response_status": "404"},
    {"response_status": "418"},
    {"response_status": "5xx"},
    {"response_status": "1xx"},
    {"since": rfc3339(NOW - timedelta(hours=3))},
    {"until": rfc3339(NOW - WEEK + timedelta(hours=3))},
    {"path": "/5/"},
    {"path": "/odd/"},
    {"path": "/nowhere/"},
    {"q": "ORG7"},
    {"q": "needle"},
    {"q": "nowhere"},
    {"channel": "Channel 0", "response_status": "418"},
    {"channel": "Channel 3", "path": "/odd/"},
    {"client": "client-0", "method": "PUT", "q": "nowhere"},
]

SPANS = [
    {"by": "hour", "since": rfc3339(NOW - timedelta(hours=1))},
    {"by": "hour", "since": rfc3339(NOW - timedelta(days=1))},
    {"by": "hour", "since": rfc3339(NOW - WEEK)},
    {"by": "day", "since": rfc3339(NOW - WEEK)},
]

_REQUEST_HEADERS = {
    "Host": "hub.example.org",
    "User-Agent": "python-requests/2.31",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
    "X-Client-Id": "client",
    "X-Client-Secret": "***",
    "X-Forwarded-For": "192.0.2.7",
}
_ANSWER_HEADERS = {"Content-Type": "application/json", "Content-Length": "1091", "Server": "nginx"}
_TABLE = Base.metadata.tables["transactions"]
#: As `_call` gives them; the others stay empty.
_COLUMNS = [
    *("correlation_id", "channel_name", "client_name", "client_address", "status"),
    *("request_method", "request_url", "request_headers", "request_body", "request_body_whole"),
    *("response_status_code", "response_headers", "response_body", "error_message"),
    *("started_at", "completed_at", "match_ms", "upstream_ms", "store_ms", "duration_ms"),
]


def main() -> int:
    """Measure what the arguments ask for; 0 when PostgreSQL reached the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--database", choices=["postgres", "sqlite"], action="append")
    given = parser.parse_args()
    outcomes = [measure(name, given.calls) for name in given.database or ["postgres", "sqlite"]]
    return 0 if all(outcomes) else 1


def measure(name: str, calls: int) -> bool:
    """One database: fill it, ask it; whether the goals were met (PostgreSQL's only)."""
    with scratch(name, SCHEMA) as environ:
        settings = Settings.read({**os.environ, **environ})
        create_key(settings.var_dir / "keys" / "tokens")
        app = create_app(settings)
        database = app.extensions["proxy"].database
        Base.metadata.create_all(database.engine)
        began = time.monotonic()
        fill(database.engine, calls)
        print(f"{name}: {calls:,} calls loaded in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        hours = roll_up_past_hours(database, NOW)
        print(f"{name}: {hours} hours tallied in {time.monotonic() - began:.0f} s")
        lists = [ask(app, name, "transactions", one, LIST_GOAL_MS) for one in FILTERS]
        spans = [ask(app, name, "metrics", one, STATISTICS_GOAL_MS) for one in SPANS]
        database.engine.dispose()
    return name != "postgres" or all(lists + spans)


def fill(engine: Engine, calls: int) -> None:
    """Put the calls of a week on record."""
    load(engine, _TABLE, week(calls), _COLUMNS)
    analyze(engine)


def week(calls: int) -> Iterator[Row]:
    """The calls of a week, oldest first."""
    dice = random.Random(7)  # noqa: S311 - the same week every time
    for number in range(calls):
        yield _call(dice, NOW - WEEK + WEEK * (number / calls), is_odd=number < ODD_ONES)


def _call(dice: random.Random, at: datetime, *, is_odd: bool) -> Row:
    """One call: few channels and clients make most of them, 6 of 100 fail."""
    channel, client = (min(int(dice.paretovariate(0.7)) - 1, most) for most in (19, 49))
    method = dice.choices(["POST", "GET", "PUT"], [70, 28, 2])[0]
    code = dice.choices([200, 201, 404, 400, 500, 502, 504], [90, 4, 2, 2, 0.5, 1, 0.5])[0]
    url = f"/{channel}/patients/{dice.randrange(10**7)}?organization=ORG{dice.randrange(30)}"
    error = f"The mediator answered {code}" if code >= 400 else None
    names = (f"Channel {channel}", f"client-{client}")
    if is_odd:
        names, method, code, url, error = ("Odd", "odd"), "DELETE", 418, "/odd/1", "a needle"
    took_ms = dice.lognormvariate(3, 1)
    return (
        *(new_id_at(at), *names, "192.0.2.7", "failed" if code >= 400 else "successful"),
        *(method, url, json.dumps(_REQUEST_HEADERS), '{"data":"' + "y" * 205 + '"}', True),
        *(code, json.dumps(_ANSWER_HEADERS), f'{{"data":"{uuid.uuid4().hex * 34}"}}', error),
        *(at, at + timedelta(milliseconds=took_ms), 0.05, took_ms - 0.5, 0.45, took_ms),
    )


def ask(app: Flask, name: str, noun: str, query: dict[str, str], goal_ms: float) -> bool:
    """Ask a few times, print the median and the longest; whether the median reached the goal."""
    token = app.extensions["proxy"].signer.sign("bench", 3600, scope="proxy:read")
    client, times_ms = app.test_client(), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer: dict[str, Any] = client.get(
            f"/api/proxy/{noun}/", query_string=query, headers={"Authorization": f"Bearer {token}"}
        ).get_json()
        times_ms.append((time.perf_counter() - began) * 1000)
    median, longest = statistics.median(times_ms), max(times_ms)
    back_to = answer.get("searched_back_to")
    print(
        f"{name}: {noun} {median:5.0f} ms (longest {longest:5.0f})  {answer['count']:4} found  "
        f"{query or 'all'}" + (f"  searched back to {back_to}" if back_to else "")
    )
    return median <= goal_ms


if __name__ == "__main__":
    sys.exit(main())
