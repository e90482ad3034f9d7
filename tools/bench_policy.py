"""`make bench`'s part for policy-notify: a run over a million policies, a long report.

    python tools/bench_policy.py [--policies 1000000] [--due 20000] [--database sqlite|postgres]

Each measurement is a process of its own, so that its memory is its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench_database import Row, analyze, load, scratch
from common.db.database import Database, open_engine
from common.ids import new_id
from policy_notify.config import SCHEMA, Settings
from policy_notify.models import Base, IndicationDetails, NotificationType, RunLease
from policy_notify.read_model.families import Mode
from policy_notify.report import FORMATS, prepare
from policy_notify.runs.decide import decide_all, judge_for
from policy_notify.runs.lease import Lease
from policy_notify.runs.lifecycle import begin_by_hand
from policy_notify.texts.catalogue import Texts
from sqlalchemy import func, insert, select

TODAY = date(2026, 5, 10)
FAMILIES = 100_000
VILLAGES = 500
GOAL_S, GOAL_MB = 60.0, 300.0
TABLES = Base.metadata.tables


def main() -> int:
    """Measure what the arguments ask for and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=20_000)
    parser.add_argument("--database", choices=["postgres", "sqlite"], action="append")
    parser.add_argument("--measure", choices=["run", "report"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps({"run": measure_run, "report": measure_report}[given.measure]()))
        return 0
    outcomes = [
        measure(database, given.policies, given.due)
        for database in given.database or ["postgres", "sqlite"]
    ]
    return 0 if all(outcomes) else 1


def measure(name: str, policies: int, due: int) -> bool:
    """One database: fill it, run, report; whether the goals were met (PostgreSQL's only)."""
    with scratch(name, SCHEMA) as environ:
        environ["ELIGIBLE_NOTIFICATION_TYPES"] = "all"
        began = time.monotonic()
        fill(Settings.read(environ), policies, due)
        print(f"{name}: {policies:,} policies loaded in {time.monotonic() - began:.0f} s")
        run = in_own_process("run", environ)
        print(
            f"{name}: detection and eligibility of {run['found']:,} due: {run['seconds']:.1f} s, "
            f"{run['mb']:.0f} MB; again with nothing due: {run['idle_seconds']:.1f} s"
        )
        report = in_own_process("report", environ)
        print(
            f"{name}: report of {report['rows']:,} families as CSV: {report['seconds']:.1f} s, "
            f"memory grew by {report['grown_mb']:.0f} MB while {report['bytes'] / 1e6:.0f} MB left"
        )
    return name != "postgres" or (run["seconds"] <= GOAL_S and run["mb"] <= GOAL_MB)


def in_own_process(what: str, environ: dict[str, str]) -> dict[str, Any]:
    """Run `--measure what` and read its answer."""
    command = [sys.executable, __file__, "--measure", what]
    done = subprocess.run(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def fill(settings: Settings, policies: int, due: int) -> None:
    """The scheme: families in villages; all but `due` policies are in the middle of their life."""
    engine = open_engine(settings, SCHEMA)
    Base.metadata.create_all(engine)
    database = Database(engine)
    with database.writing() as session:
        session.execute(insert(RunLease).values(id=1))
    places = list(_places())
    villages = [row[0] for row in places if row[3] == "V"]
    product, run = uuid.uuid4(), uuid.uuid4()
    families = [uuid.uuid4() for _ in range(FAMILIES)]
    heads = [uuid.uuid4() for _ in families]
    load(engine, TABLES["locations"], places, ("uuid", "code", "name", "level", "parent"))
    load(engine, TABLES["products"], [(product, "CHF01", "CHF")], ("uuid", "code", "name"))
    load(engine, TABLES["product_successions"], [(product, product)])
    load(
        engine,
        TABLES["families"],
        (
            (family, villages[at % VILLAGES], head)
            for at, (family, head) in enumerate(zip(families, heads, strict=True))
        ),
        ("uuid", "location", "head"),
    )
    load(
        engine,
        TABLES["insurees"],
        (
            (head, f"{at:09d}", "Mushi", f"Asha {at}", f"+2557{at:08d}", f"+2557{at:08d}", family)
            for at, (family, head) in enumerate(zip(families, heads, strict=True))
        ),
        ("uuid", "chf_id", "last_name", "other_names", "phone", "number", "family"),
    )
    consent_from = datetime(2026, 1, 1)  # noqa: DTZ001 - SQLite's way of storing UTC
    load(
        engine, TABLES["tblFamilySMS"], ((one, True, "sw", consent_from, None) for one in families)
    )
    ids = [uuid.uuid4() for _ in range(policies)]
    rows = (_policy(at, one, families[at % FAMILIES], product, due) for at, one in enumerate(ids))
    load(engine, TABLES["policies"], rows)
    indications = (
        _indication(one, run) for at, one in enumerate(ids) if at >= due or at % 6 not in (0, 5)
    )
    load(engine, TABLES[IndicationDetails.__tablename__], indications)
    analyze(engine)
    engine.dispose()


def _places() -> Iterator[Row]:
    region, district, municipality = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    yield region, "R1", "Region", "R", None
    yield district, "D1", "District", "D", region
    yield municipality, "W1", "Ward", "W", district
    for number in range(VILLAGES):
        yield uuid.uuid4(), f"V{number}", f"Village {number}", "V", municipality


def _policy(at: int, one: uuid.UUID, family: uuid.UUID, product: uuid.UUID, due: int) -> Row:
    """A policy as the table has it; the first `due` ones are due, by turns for the six types."""
    start, end = TODAY - timedelta(days=60 + at % 200), TODAY + timedelta(days=30 + at % 300)
    status, stage, since = "active", "new", start
    if at < due:
        kind = at % 6
        since = TODAY if kind in (0, 5) else since
        start = TODAY if kind == 1 else start
        end = TODAY + timedelta(days={2: 5, 3: 0, 4: -5}.get(kind, 200))
        stage = "renewed" if kind == 5 else "new"
    valid_from = datetime.combine(since, datetime.min.time())
    amounts = ("30000.00", valid_from, None)
    return (one, family, product, None, status, stage, start, start, start, end, *amounts)


def _indication(policy: uuid.UUID, run: uuid.UUID) -> Row:
    """The activation that was told long ago."""
    type_, then = NotificationType.ACTIVATION.value, datetime(2026, 1, 1)  # noqa: DTZ001
    message = (policy, None, None, None, None, None)
    return (new_id(), policy, type_, then.date(), 1, 1, "", "ended", run, then, then, *message)


def measure_run() -> dict[str, Any]:
    """Detection and eligibility of everything, as a run does it; and once more."""
    settings, database = _opened()
    texts = Texts.load(settings.languages)
    judge, lease = judge_for(settings, texts, TODAY), Lease(timedelta(hours=1))
    run = begin_by_hand(database, lease, TODAY, "bench")
    began = time.monotonic()
    decide_all(database, settings, judge, run.id, lease, lambda: False)
    seconds = time.monotonic() - began
    with database.reading() as session:
        mine = select(func.count()).where(IndicationDetails.run_id == run.id)
        found = session.scalar(mine)
    began = time.monotonic()
    decide_all(database, settings, judge, uuid.uuid4(), lease, lambda: False)
    idle_seconds = time.monotonic() - began
    return {"found": found, "seconds": seconds, "idle_seconds": idle_seconds, "mb": _peak_mb()}


def measure_report() -> dict[str, Any]:
    """The report of the one region as CSV, thrown away piece by piece."""
    _, database = _opened()
    table = TABLES["locations"]
    with database.reading() as session:
        region = session.scalar(select(table.c.uuid).where(table.c.level == "R"))
    report = prepare(database, region=region, district=None, officer=None, mode=Mode.ALL)
    pieces = FORMATS["csv"].write(report)
    size, rows = len(next(pieces)), 0
    before_mb, began = _peak_mb(), time.monotonic()
    for piece in pieces:
        size += len(piece)
        rows += piece.count(b"\r\n")
    seconds = time.monotonic() - began
    return {
        "rows": rows + 1,
        "bytes": size,
        "seconds": seconds,
        "grown_mb": _peak_mb() - before_mb,
    }


def _opened() -> tuple[Settings, Database]:
    settings = Settings.read(os.environ)
    return settings, Database(open_engine(settings, SCHEMA))


def _peak_mb() -> float:
    """This process's highest resident memory. (`ru_maxrss` would count its parent's, too.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
