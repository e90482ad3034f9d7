"""`make bench`'s part for consents: how fast one caller of the API brings those of many families.

    python tools/bench_consents.py [--database sqlite|postgres]

The service runs in this process, over a scratch database; PostgreSQL is the local server's.
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from pathlib import Path

from bench_database import analyze, load, scratch
from bench_report import goal
from bench_ruler import Ruler
from bench_tokens import Keys, bearer
from common.db.database import open_engine
from flask import Flask
from policy_notify.app import create_app
from policy_notify.config import SCHEMA, Settings
from policy_notify.intake.bodies import MAX_RECORDS
from policy_notify.models import Base

CALLS = 10
GOAL = 20_000.0


def main() -> int:
    """Measure, print a line for each database; 1: PostgreSQL's goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["postgres", "sqlite"], action="append")
    given = parser.parse_args()
    reached = [measure(name) for name in given.database or ["postgres", "sqlite"]]
    return int(not all(reached))


def measure(name: str) -> bool:
    """Bring the consents of `CALLS` times `MAX_RECORDS` families; whether that was fast enough."""
    with scratch(name, SCHEMA) as environ:
        ruler, rates, cpu_s = Ruler(Path(environ["VAR_DIR"])), [], 0.0
        app, families = _service(environ)
        client, headers = app.test_client(), bearer("policy:write")
        for call in range(CALLS):
            ruler.measure()
            body = _body(families[call * MAX_RECORDS : (call + 1) * MAX_RECORDS])
            began, cpu_began = time.perf_counter(), time.process_time()
            path = "/api/policy-notification/consents/"
            answer = client.put(path, data=body, headers=headers, mimetype="application/json")
            rates.append(MAX_RECORDS / (time.perf_counter() - began))
            cpu_s += time.process_time() - cpu_began
            assert answer.get_json()["changed"] == MAX_RECORDS, answer.get_json()
        rate, here = statistics.median(rates), ruler.rate(GOAL)
        each_us = cpu_s / (CALLS * MAX_RECORDS) * 1e6
        words = f"{rate:,.0f} consents/s, {each_us:.0f} µs CPU each; {ruler}"
        if name != "postgres":
            print(f"{name}: {words}")
            return True
        words += f" (≥ {here:,.0f} here, {GOAL:,.0f} where the goals were set)"
        return goal(f"{name}: bodies of {MAX_RECORDS:,} consents", rate >= here, words)


def _service(environ: dict[str, str]) -> tuple[Flask, list[uuid.UUID]]:
    """The service, and the families that it knows."""
    settings = Settings.read(environ)
    engine = open_engine(settings, SCHEMA)
    Base.metadata.create_all(engine)
    families = [uuid.uuid4() for _ in range(CALLS * MAX_RECORDS)]
    load(engine, Base.metadata.tables["families"], ([one] for one in families), ["uuid"])
    analyze(engine)
    engine.dispose()
    return create_app(settings, keys=Keys()), families


def _body(families: list[uuid.UUID]) -> bytes:
    consent = {"approvalOfNotification": True, "languageOfNotification": "sw"}
    return json.dumps([{"family": str(one), **consent} for one in families]).encode()


if __name__ == "__main__":
    sys.exit(main())
