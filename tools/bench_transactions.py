"""`make bench`: the record of calls. Each filter of the list, the statistics, the console's pages.

    python tools/bench_transactions.py [--calls 1000000] [--database sqlite|postgres]

A week of calls; what is hard to find is in the oldest ones, or nowhere. Asked over the API.
"""

import argparse
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench_console import PAGES, sign_in
from bench_database import Row, analyze, load, scratch
from bench_times import Times
from common import sealing
from common.clock import rfc3339
from common.ids import new_id_at
from flask import Flask
from installation import Installation
from proxy.access.signing import create_key
from proxy.app import create_app
from proxy.config import SCHEMA, Settings
from proxy.container import build_container
from proxy.models import Base, Channel, Mediator, Transaction
from proxy.record.sealing import Sealer
from proxy.statistics.rollup_job import roll_up_past_hours
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

NOW = datetime.now(UTC)
WEEK = timedelta(days=7)
#: The oldest calls are like no other.
ODD_ONES = 20
LIST_GOAL_MS, STATISTICS_GOAL_MS = 200.0, 200.0
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
    {"mediator": "urn:often"},
    {"mediator": "urn:odd"},
    {"mediator": "urn:unknown"},
    {"mediator": "urn:often", "response_status": "418"},
    {"min_duration_ms": "200"},
    {"min_duration_ms": "1000"},
    {"min_duration_ms": "30000"},
    {"max_duration_ms": "0.5"},
    {"min_duration_ms": "2000", "channel": "Channel 0"},
    {"when": "yesterday"},
    {"when": "last_week"},
    {"when": "this_hour_last_week", "status": "failed"},
    {"properties": "ward=7"},
    {"properties": "ward=odd"},
]

SPANS = [
    {"by": "hour", "since": rfc3339(NOW - timedelta(hours=1))},
    {"by": "hour", "since": rfc3339(NOW - timedelta(days=1))},
    {"by": "hour", "since": rfc3339(NOW - WEEK)},
    {"by": "day", "since": rfc3339(NOW - WEEK)},
]

#: What the search box is asked for.
TERMS = ["P77", "nowhere", "needle", "client-0", "Channel 0", "urn:often", "POST /5/patients"]
REPORTS = [
    *(("report", {"by": by}) for by in ("channel_client", "channel", "client")),
    *(("report", {"by": by}) for by in ("mediator", "status")),
    ("report/errors", {}),
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
_UNUSED = {
    *("parent_id", "organization", "esb_exchange_id", "owner"),
    *("request_body_length", "response_body_length"),
}
_TABLE = Base.metadata.tables["transactions"]
_PROPERTIES = Base.metadata.tables["transaction_properties"]
_COLUMNS = [column.name for column in _TABLE.columns if column.name not in _UNUSED]
#: What sealing fills stands in none of the week's rows.
_GIVEN = [name for name in _COLUMNS if name not in {"request_head", "response_head"}]


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
        sealing.create_key(settings.seal_keys_folder)
        app = create_app(settings)
        database = app.extensions["proxy"].database
        Base.metadata.create_all(database.engine)
        began = time.monotonic()
        fill(database.engine, app.extensions["proxy"].sealer, calls)
        print(f"{name}: {calls:,} calls loaded in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        hours = roll_up_past_hours(database, NOW)
        print(f"{name}: {hours} hours tallied in {time.monotonic() - began:.0f} s")
        lists = [ask(app, name, "transactions", one, LIST_GOAL_MS) for one in FILTERS]
        spans = [ask(app, name, "metrics", one, STATISTICS_GOAL_MS) for one in SPANS]
        reports = [ask(app, name, noun, one, LIST_GOAL_MS) for noun, one in REPORTS]
        console = sign_in(app, name, ROUNDS, LIST_GOAL_MS)
        terms = (*TERMS, str(_newest(database.engine)))
        pages = [console.opens(one) for one in PAGES] + [console.finds(one) for one in terms]
        database.engine.dispose()
    return name != "postgres" or all(lists + spans + reports + pages)


def fill(engine: Engine, sealer: Sealer, calls: int) -> None:
    """Put the calls of a week on record, sealed; every tenth with properties."""
    ids: list[uuid.UUID] = []
    load(engine, _TABLE, _noting(_sealed(sealer, week(calls)), ids), _COLUMNS)
    load(engine, _PROPERTIES, _properties(ids))
    _lead(engine, "urn:often", ["Channel 0", "Channel 3"])
    _lead(engine, "urn:odd", ["Odd"])
    analyze(engine)


def fill_installation(installation: Installation, calls: int) -> None:
    """The same in an installation, with its keys."""
    environ = {**installation.environ, "VAR_DIR": str(installation.var_dir)}
    container = build_container(Settings.read(environ))
    fill(container.database.engine, container.sealer, calls)
    container.database.engine.dispose()


def _sealed(sealer: Sealer, rows: Iterator[Row]) -> Iterator[Row]:
    heads = ("request_headers", "response_headers")
    for values in rows:
        row: dict[str, Any] = dict.fromkeys(_COLUMNS) | dict(zip(_GIVEN, values, strict=True))
        sealer.seal_bodies(row, row["request_url"][: row["request_url"].index("/", 1)])
        yield tuple({**row, **{one: json.dumps(row[one]) for one in heads}}.values())


def _noting(rows: Iterator[Row], ids: list[uuid.UUID]) -> Iterator[Row]:
    for row in rows:
        ids.append(row[0])
        yield row


def _properties(ids: list[uuid.UUID]) -> Iterator[Row]:
    for number, call in enumerate(ids[::10]):
        yield call, "ward", "odd" if number < ODD_ONES else str(number % 30)
        yield call, "patient", f"P{number % 20_000}"


def _lead(engine: Engine, urn: str, channels: list[str]) -> None:
    """A mediator, and the channels that lead to it."""
    with Session(engine) as session, session.begin():
        mediator = Mediator(name=urn, urn=urn, version="1.0.0", endpoint_url="http://127.0.0.1:9")
        session.add(mediator)
        session.flush()
        for name in channels:
            session.add(Channel(name=name, path_pattern=f"/{name}/*", mediator_id=mediator.id))


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
        *(method, url, _REQUEST_HEADERS, f"http://mediator-{channel}.example.org"),
        *('{"data":"' + "y" * 205 + '"}', True),
        *(code, _ANSWER_HEADERS, f'{{"data":"{uuid.uuid4().hex * 34}"}}', error),
        *(at, at + timedelta(milliseconds=took_ms), 0.05, took_ms - 0.5, 0.45, took_ms),
    )


def ask(app: Flask, name: str, noun: str, query: dict[str, str], goal_ms: float) -> bool:
    """Ask a few times, print the median and the longest; whether the median reached the goal."""
    token = app.extensions["proxy"].signer.sign("bench", 3600, scope="proxy:read")
    client, answer = app.test_client(), {"count": 0}

    def once() -> None:
        given = {"query_string": query, "headers": {"Authorization": f"Bearer {token}"}}
        answer.update(client.get(f"/api/proxy/{noun}/", **given).get_json())

    times = Times.of(once, ROUNDS)
    back_to = answer.get("searched_back_to")
    print(
        f"{name}: {noun} {times}  {answer['count']:4} found  "
        f"{query or 'all'}" + (f"  searched back to {back_to}" if back_to else "")
    )
    return times.median_ms <= goal_ms


def _newest(engine: Engine) -> uuid.UUID:
    newest = select(Transaction.correlation_id).order_by(Transaction.correlation_id.desc())
    with Session(engine) as session:
        found: uuid.UUID = session.scalars(newest.limit(1)).one()
    return found


if __name__ == "__main__":
    sys.exit(main())
