"""`make bench`'s part for a record that has grown: three months of calls, and one of them dropped.

    python tools/bench_growth.py [--calls 10000000] [--seconds 30]

An installation over PostgreSQL; the calls are made by the database, about 1.6 KB each with their
indexes. Each filter of the list, each report, the search and the dashboard are asked through
nginx; then the oldest month is dropped while calls go on.
"""

import argparse
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from bench_database import analyze
from bench_disturbances import record_url, session_cookie
from bench_load import upstream, wrk_is_there
from bench_report import goal
from bench_shapes import Shape, shapes
from bench_times import Times
from bench_transactions import FILTERS, REPORTS, SPANS, TERMS
from common.clock import utc_now
from common.db.database import Database
from common.db.partitions import attach_month, has_month, month_of
from common.ids import lowest_id_at
from ports import unused_ports
from proxy.record.removal import Keeping, remove_calls
from proxy.statistics.rollup_job import roll_up_past_hours
from sqlalchemy import Engine, create_engine, text

LIST_GOAL_MS, DASHBOARD_GOAL_MS, DROP_GOAL_S = 200.0, 300.0, 2.0
#: Calls go on at this share of their rate before, in each of the seconds around the drop.
GOAL_SHARE = 0.5
MONTHS, ROUNDS = 3, 5
BYTES_PER_CALL = 2_000
CONNECTIONS = 8

#: A month's calls: ids of version 7 whose moments are evenly apart; 20 channels, 50 clients, few of
#: which make most; 6 of 100 fail; the oldest ones are odd.
MONTH_OF_CALLS = """
INSERT INTO {table} (correlation_id, channel_name, client_name, client_address, status,
    request_method, request_url, request_headers, mediator_url, request_body, request_body_whole,
    response_status_code, response_headers, response_body, error_message, started_at, completed_at,
    match_ms, upstream_ms, store_ms, duration_ms)
SELECT id, CASE WHEN odd THEN 'Odd' ELSE 'Channel ' || channel END,
    CASE WHEN odd THEN 'odd' ELSE 'client-' || client END, '192.0.2.7',
    CASE WHEN code >= 400 THEN 'failed' ELSE 'successful' END,
    CASE WHEN odd THEN 'DELETE' WHEN number %% 100 < 28 THEN 'GET' ELSE 'POST' END,
    '/' || channel || '/patients/' || number || '?organization=ORG' || number %% 30,
    '{{"Host": "hub.example.org", "Content-Type": "application/json", "Accept": "*/*"}}',
    'http://mediator-' || channel || '.example.org', '{{"data":"' || repeat(digits, 6) || '"}}',
    true, code, '{{"Content-Type": "application/json", "Server": "nginx"}}',
    '{{"data":"' || repeat(digits, 12) || '"}}',
    CASE WHEN code >= 400 THEN 'The mediator answered ' || code END,
    at, at + took * interval '1 millisecond', 0.05, took - 0.5, 0.45, took
FROM (
    SELECT number, at, digits, odd,
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(digits, 1, 3) || 'a' || substr(digits, 4, 15))::uuid AS id,
        least(19, floor(power(1 - dice, -1.4)) - 1)::int AS channel,
        least(49, floor(power(1 - other, -1.4)) - 1)::int AS client,
        CASE WHEN odd THEN 418 WHEN number %% 50 = 0 THEN 404 WHEN number %% 50 = 1 THEN 400
            WHEN number %% 50 = 2 THEN 502 ELSE 200 END AS code,
        1 + 30 * power(1 - other, -0.6) AS took
    FROM (
        SELECT number, random() AS dice, random() AS other, md5(number::text) AS digits,
            {first} AND number < 20 AS odd,
            CAST('{since}' AS timestamptz) + number * interval '{step} microseconds' AS at
        FROM generate_series(0, {calls} - 1) AS number
    ) AS drawn
) AS made
"""


def main() -> int:
    """Fill, ask, drop; 0 when all goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    if not wrk_is_there():
        print("Skipped: wrk is not installed (Debian: apt-get install wrk).")
        return 0
    if shutil.disk_usage("/").free < 2 * BYTES_PER_CALL * given.calls:
        print(f"Skipped: {given.calls:,} calls and their log need more of the disk than is free.")
        return 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        upstream_port, plain_port = unused_ports(2)
        opened.enter_context(upstream(folder, upstream_port, plain_port))
        found = shapes(opened, folder, upstream_port, only="PostgreSQL")
        reached = [_measure(shape, given.calls, given.seconds) for shape in found]
        return 0 if all(reached) else 1


def _measure(shape: Shape, calls: int, seconds: int) -> bool:
    engine = create_engine(record_url(shape))
    began = time.monotonic()
    shape.stack.stop_process("proxy-worker")  # it would sum up the hours beside
    fill(engine, calls)
    print(f"{calls:,} calls made in {time.monotonic() - began:.0f} s; {_size(engine)}")
    began = time.monotonic()
    hours = roll_up_past_hours(Database(engine), utc_now())
    print(f"{hours:,} hours summed up in {time.monotonic() - began:.0f} s")
    reached = [*_ask_all(shape), _dropping(shape, engine, seconds)]
    engine.dispose()
    return all(reached)


def fill(engine: Engine, calls: int) -> None:
    """Make the calls of this month until now and of those before, each in its partition."""
    now = datetime.now(UTC)
    with ThreadPoolExecutor() as pool:
        months = [month_of(now, -back) for back in range(MONTHS)]
        list(pool.map(lambda since: _fill_month(engine, since, calls // MONTHS, now), months))
    analyze(engine)


def _fill_month(engine: Engine, since: datetime, calls: int, now: datetime) -> None:
    """A month's calls, evenly apart; the first of all are odd."""
    step = (min(now, month_of(since, 1)) - since) / (calls + 1)
    part = f"transactions_{since:%Y_%m}"
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        is_there = has_month(connection, "transactions", since)
        if not is_there:  # its indexes are made once it is full
            connection.execute(text(f"CREATE TABLE {part} (LIKE transactions)"))
        connection.exec_driver_sql(
            MONTH_OF_CALLS.format(
                table=part,
                first=since == month_of(now, 1 - MONTHS),
                since=since.isoformat(),
                step=step / timedelta(microseconds=1),
                calls=calls,
            )
        )
        if not is_there:
            attach_month(connection, "transactions", part, since)


def _size(engine: Engine) -> str:
    sizes = (
        "SELECT sum(pg_relation_size(oid)), sum(pg_indexes_size(oid)), sum(greatest(reltuples, 0))"
        " FROM pg_class JOIN pg_inherits ON inhrelid = oid"
        " WHERE inhparent = to_regclass('transactions')"
    )
    with engine.connect() as connection:
        heap, indexes, rows = (float(one) for one in connection.execute(text(sizes)).one())
    return (
        f"{(heap + indexes) / 1e9:.1f} GB: {heap / rows:,.0f} bytes a call,"
        f" {indexes / rows:,.0f} of its indexes"
    )


def _ask_all(shape: Shape) -> list[bool]:
    """Each list, report and search, and the dashboard, as their users ask."""
    session, url = requests.Session(), shape.stack.url
    session.headers["Cookie"] = session_cookie(shape)
    answer = requests.post(
        f"{url}/oauth/token",
        auth=(shape.stack.demo_client_id, shape.stack.installation.demo_client_secret),
        data={"grant_type": "client_credentials"},
        timeout=10,
    )
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def api(noun: str, query: dict[str, str]) -> bool:
        path = f"{url}/api/proxy/{noun}/"
        name = f"{noun} {query or 'all'}"
        return _timed(name, LIST_GOAL_MS, lambda: _got(path, headers=token, params=query))

    def page(path: str, goal_ms: float, **query: str) -> bool:
        name = f"page {path} {query or ''}"
        return _timed(name, goal_ms, lambda: _got(f"{url}/admin/{path}", session, params=query))

    home = session.get(f"{url}/admin/", timeout=60).text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', home)

    def find(term: str) -> bool:
        form = {"term": term, "csrf_token": csrf[1] if csrf else ""}
        own = {"Origin": url, "Referer": f"{url}/admin/"}
        path = f"{url}/admin/find/"
        return _timed(
            f"find {term}",
            LIST_GOAL_MS,
            lambda: _got(path, session, "POST", data=form, headers=own),
        )

    return [
        *(api("transactions", one) for one in FILTERS),
        *(api("metrics", one) for one in SPANS),
        *(api(*one) for one in REPORTS),
        *(find(term) for term in TERMS),
        *(page("mediator/transactions/", LIST_GOAL_MS, **one) for one in FILTERS[:4]),
        page("mediator/rejections/", LIST_GOAL_MS),
        *(page("", DASHBOARD_GOAL_MS, span=span) for span in ("hour", "day", "week")),
    ]


def _got(path: str, session: Any = requests, method: str = "GET", **options: Any) -> None:
    session.request(method, path, timeout=60, **options).raise_for_status()


def _timed(name: str, goal_ms: float, ask: Callable[[], None]) -> bool:
    """Ask a few times; whether the median reached the goal."""
    times = Times.of(ask, ROUNDS)
    return goal(name, times.median_ms <= goal_ms, f"{times} (≤ {goal_ms:.0f})")


def _dropping(shape: Shape, engine: Engine, seconds: int) -> bool:
    """Drop the oldest month while calls go on; how long that took, and how they went on."""
    now = datetime.now(UTC)
    kept = Keeping((now - month_of(now, 2 - MONTHS)).days, {})
    database, took_s, gone = Database(engine), 0.0, {}

    def drop() -> None:
        nonlocal took_s, gone
        time.sleep(seconds / 2)
        began = time.perf_counter()
        gone = remove_calls(database, kept, utc_now())
        took_s = time.perf_counter() - began

    shape.measure("/demo/x", CONNECTIONS, 3)  # warm
    quiet = shape.measure("/demo/x", CONNECTIONS, seconds)
    beside = threading.Thread(target=drop)
    beside.start()
    busy = shape.measure("/demo/x", CONNECTIONS, seconds)
    beside.join()
    slowest = _slowest_second(engine, seconds)
    print(f"before   {quiet}\nmeanwhile {busy}")
    return all(
        [
            goal(
                "a month dropped",
                gone.get("months") == 1 and took_s <= DROP_GOAL_S,
                f"{took_s:.2f} s (≤ {DROP_GOAL_S:.0f})",
            ),
            goal("calls meanwhile", busy.rate >= 0.9 * quiet.rate and not busy.errors, str(busy)),
            goal(
                "calls in the slowest second",
                slowest >= GOAL_SHARE * quiet.rate,
                f"{slowest} of {quiet.rate:.0f}",
            ),
        ]
    )


def _slowest_second(engine: Engine, seconds: int) -> int:
    """The fewest calls that began in one of the last seconds, less the first and the last."""
    since = lowest_id_at(utc_now() - timedelta(seconds=seconds - 2))
    by_second = (
        "SELECT count(*) FROM transactions WHERE correlation_id >= :since"
        " GROUP BY date_trunc('second', started_at) ORDER BY date_trunc('second', started_at)"
    )
    with engine.connect() as connection:
        counts = connection.scalars(text(by_second), {"since": since}).all()
    return min(counts[1:-1], default=0)


if __name__ == "__main__":
    sys.exit(main())
