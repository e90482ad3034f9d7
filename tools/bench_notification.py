"""`make bench`'s part for notification: how fast events become messages.

    python tools/bench_notification.py [--database sqlite|postgres]

The service runs in this process, over a scratch database; PostgreSQL is the local server's.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench_database import create_seal_keys, postgres_database
from bench_report import goal
from bench_ruler import Ruler
from bench_tokens import Keys, bearer
from flask import Flask
from notification.app import create_app
from notification.catalogue import first_data
from notification.config import SCHEMA, Settings
from notification.models import Base, ChannelCode, Rule, RuleChannel, Template
from sqlalchemy.schema import CreateSchema

EVENT = "LICENCE_EXPIRING_SOON"
RECIPIENTS = 1_000
CALLS = 10
GOAL_QUEUED = 3_000.0


def main() -> int:
    """Measure what the arguments ask for, print a line for each; 0: every goal was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["postgres", "sqlite"], action="append")
    given = parser.parse_args()
    reached = True
    for name in given.database or ["postgres", "sqlite"]:
        with service(name) as app:
            if app is not None:
                reached &= measure_emit(name, app)
    return 0 if reached else 1


def judged(name: str, what: str, rate: float, wanted: float, ruler: Ruler, more: str) -> bool:
    """Print a rate with what is wanted of it here; the goals are PostgreSQL's."""
    words = f"{rate:,.0f} messages/s, {more}"
    if name != "postgres":
        print(f"{name}: {what}: {words}")
        return True
    here = ruler.rate(wanted)
    words += f" (≥ {here:,.0f} here, {wanted:,.0f} where the goals were set)"
    return goal(f"{name}: {what}", rate >= here, words)


@contextmanager
def service(name: str) -> Iterator[Flask | None]:
    """The service over an empty database with the first data; None: there is no such server."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"VAR_DIR": folder, "LOG_LEVEL": "ERROR"}
        if name == "sqlite":
            yield _started(environ)
            return
        with postgres_database() as url:
            yield None if url is None else _started({**environ, "DATABASE_URL": url})


def _started(environ: dict[str, str]) -> Flask:
    create_seal_keys(environ)
    app = create_app(Settings.read(environ), keys=Keys())
    database = app.extensions["notification"].database
    with database.writing() as session:
        if "DATABASE_URL" in environ:
            session.execute(CreateSchema(SCHEMA))
        Base.metadata.create_all(session.connection())
        first_data.seed(session.connection())
    return app


def measure_emit(name: str, app: Flask) -> bool:
    """How fast one caller queues, `RECIPIENTS` in a call over one channel; whether fast enough."""
    _write_catalogue(app)
    client, headers = app.test_client(), bearer("notification:emit")
    ruler = Ruler(app.extensions["notification"].settings.var_dir)
    rates, cpu_s = [], 0.0
    for call in range(CALLS + 1):
        ruler.measure()
        began, cpu_began = time.perf_counter(), time.process_time()
        answer = client.post("/api/notification/emit/", json=_emission(call), headers=headers)
        if call:  # the first one prepares statements
            rates.append(RECIPIENTS / (time.perf_counter() - began))
            cpu_s += time.process_time() - cpu_began
        assert answer.get_json()["queued_count"] == RECIPIENTS, answer.get_json()
    rate = statistics.median(rates)
    more = (
        f"{min(rates):,.0f} to {max(rates):,.0f}, "
        f"{cpu_s / (CALLS * RECIPIENTS) * 1e6:.0f} µs CPU each; {ruler}"
    )
    what = f"emit of {RECIPIENTS:,} recipients in one call"
    return judged(name, what, rate, GOAL_QUEUED, ruler, more)


def _write_catalogue(app: Flask) -> None:
    rule = Rule(event_code=EVENT, recipient_policy="ALL", priority="NORMAL")
    rule.channels = [RuleChannel(channel=ChannelCode.SMS)]
    body = "Ndugu {name}, leseni {licence.number} inaisha {licence.ends}. Tafadhali ihuishe."
    template = Template(
        event_code=EVENT, channel=ChannelCode.SMS, language="sw", body=body, version=1
    )
    with app.extensions["notification"].database.writing() as session:
        session.add_all([rule, template])


def _emission(call: int) -> dict[str, Any]:
    """To people that no other call is to."""
    return {
        "event_code": EVENT,
        "context": {"name": "Mwanaidi", "licence": {"number": "TZ-17", "ends": "30.6.2027"}},
        "recipients": [
            {
                "user_id": f"teacher-{call}-{number}",
                "actor_type": "TEACHER",
                "to_phone": f"+2557{call * RECIPIENTS + number:08d}",
                "preferred_lang": "sw",
            }
            for number in range(RECIPIENTS)
        ],
        "entity_type": "licence",
        "entity_id": "TZ-17",
    }


if __name__ == "__main__":
    sys.exit(main())
