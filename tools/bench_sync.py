# ruff: noqa: S608 - numbers of our own in statements
"""`make bench`'s part for reading openIMIS: a generated database of its shape, on PostgreSQL.

    python tools/bench_sync.py [--families 20000] [--database sqlite|postgres]
    python tools/bench_sync.py --whole

Each family has five people, two policies and a consent. Measured: the first pass, and one that
finds nothing changed, each in a process of its own with its memory. The goals are those of
1,000,000 families (15 minutes, 5 minutes, 300 MB), for as many rows a second; `--whole` measures
just that, and takes some 7 GB of disk at the server for as long.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from bench_database import postgres_database, scratch
from bench_report import goal
from bench_ruler import Ruler
from common.db.database import Database, open_engine
from common.db.sealed_types import column_sealer, seals_columns
from policy_notify.config import SCHEMA, Settings
from policy_notify.intake.reading import reading_of
from policy_notify.models import Base
from policy_notify.openimis.connection import open_source
from policy_notify.openimis.sync import Sync
from policy_notify.openimis.tables import METADATA
from sqlalchemy import create_engine

PEOPLE, POLICIES = 5, 2
VILLAGES = 500
FAMILIES = 1_000_000
#: Rows of 1,000,000 families, and how long they may take.
WHOLE = FAMILIES * (1 + PEOPLE + POLICIES + 1)
GOAL_FIRST_S, GOAL_AGAIN_S, GOAL_MB = 900.0, 300.0, 300.0
_UUID = "md5('{kind}' || {n})::uuid::text"


def main() -> int:
    """Measure, and print a line for each; 1: a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=20_000)
    parser.add_argument("--whole", action="store_const", const=FAMILIES, dest="families")
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure()))
        return 0
    with postgres_database() as source, scratch(given.database, SCHEMA) as environ:
        if source is None:
            return 0
        began = time.monotonic()
        fill(source, given.families)
        seconds = time.monotonic() - began
        print(f"{given.families:,} families generated in {seconds:.0f} s", flush=True)
        environ |= {"OPENIMIS_DATABASE_URL": source}
        goals = (("first pass", GOAL_FIRST_S), ("nothing changed", GOAL_AGAIN_S))
        judged = [_judge(name, goal_s, environ) for name, goal_s in goals]
        return int(not all(judged))


def _judge(name: str, goal_s: float, environ: dict[str, str]) -> bool:
    command = [sys.executable, __file__, "--measure"]
    ruler = Ruler(Path(environ["VAR_DIR"]))
    ruler.measure()
    done = subprocess.run(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=True
    )
    ruler.measure()
    found: dict[str, float] = json.loads(done.stdout)
    rate, here = found["rows"] / found["seconds"], ruler.rate(WHOLE / goal_s)
    words = (
        f"{found['rows']:,} rows in {found['seconds']:.1f} s ({rate:,.0f} a second, "
        f"≥ {here:,.0f} here, {WHOLE / goal_s:,.0f} where the goals were set; "
        f"{found['cpu_seconds']:.1f} s of our processor time), {found['mb']:.0f} MB, "
        f"{found['changed']:,} changed, {found['rejected']} rejected, {found['waiting']} waiting; "
        f"{FAMILIES:,} families: {WHOLE / rate / 60:.1f} min; {ruler}"
    )
    is_clean = not (found["rejected"] or found["waiting"])
    return goal(name, is_clean and rate >= here and found["mb"] <= GOAL_MB, words)


def fill(url: str, families: int) -> None:
    """openIMIS's tables as far as we read them, filled by the server itself."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    METADATA.create_all(engine)
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as server:
        for statement in _statements(families):
            server.execute(statement.encode())
        server.execute(b"ANALYZE")


def _statements(families: int) -> list[str]:
    own = {kind: _UUID.format(kind=kind, n="n") for kind in "LOPFIY"}
    now = "timestamp '2026-01-02 08:00' - n * interval '7 seconds'"
    people, policies = families * PEOPLE, families * POLICIES
    return [
        'INSERT INTO "tblLocations" ("LocationId", "LocationUUID", "LocationCode", "LocationName", '
        '"LocationType", "ParentLocationId", "ValidityFrom") '
        f"SELECT n, {own['L']}, 'L' || n, 'Place ' || n, (ARRAY['R','D','W'])[n], "
        f"nullif(n - 1, 0), {now} FROM generate_series(1, 3) n",
        'INSERT INTO "tblLocations" ("LocationId", "LocationUUID", "LocationCode", "LocationName", '
        '"LocationType", "ParentLocationId", "ValidityFrom") '
        f"SELECT n, {own['L']}, 'L' || n, 'Village ' || n, 'V', 3, {now} "
        f"FROM generate_series(4, {VILLAGES + 3}) n",
        'INSERT INTO "tblOfficer" ("OfficerID", "OfficerUUID", "Code", "LastName", "OtherNames", '
        f"\"ValidityFrom\") SELECT n, {own['O']}, 'O' || n, 'Omari', 'Neema', {now} "
        "FROM generate_series(1, 100) n",
        'INSERT INTO "tblProduct" ("ProdID", "ProdUUID", "ProductCode", "ProductName", '
        f"\"ValidityFrom\") SELECT n, {own['P']}, 'P' || n, 'Product ' || n, {now} "
        "FROM generate_series(1, 5) n",
        'INSERT INTO "tblFamilies" ("FamilyID", "FamilyUUID", "InsureeID", "LocationId", '
        f'"ValidityFrom") SELECT n, {own["F"]}, n * {PEOPLE}, 4 + n % {VILLAGES}, {now} '
        f"FROM generate_series(1, {families}) n",
        'INSERT INTO "tblInsuree" ("InsureeID", "InsureeUUID", "FamilyID", "CHFID", "LastName", '
        '"OtherNames", "Phone", "ValidityFrom") '
        f"SELECT n, {own['I']}, 1 + (n - 1) / {PEOPLE}, lpad(n::text, 9, '0'), 'Mushi', "
        f"'Asha ' || n, CASE WHEN n % 2 = 0 THEN '0754' || lpad((n % 1000000)::text, 6, '0') END, "
        f"{now} FROM generate_series(1, {people}) n",
        'INSERT INTO "tblPolicy" ("PolicyID", "PolicyUUID", "FamilyID", "ProdID", "OfficerID", '
        '"PolicyStatus", "PolicyStage", "PolicyValue", "EnrollDate", "StartDate", "EffectiveDate", '
        f'"ExpiryDate", "ValidityFrom") SELECT n, {own["Y"]}, 1 + (n - 1) / {POLICIES}, '
        "1 + n % 5, 1 + n % 100, 2, 'N', 30000, d, d, d, d + 365, "
        f"{now} FROM generate_series(1, {policies}) n, "
        "LATERAL (SELECT date '2026-01-01' - n % 300 AS d) dates",
        'INSERT INTO "tblFamilySMS" ("FamilyID", "ApprovalOfSMS", "LanguageOfSMS", "ValidityFrom") '
        f"SELECT n, n % 5 > 0, 'sw', {now} FROM generate_series(1, {families}) n",
    ]


def measure() -> dict[str, Any]:
    """One pass, whole, in this process."""
    settings = Settings.read(os.environ)
    engine = open_engine(settings, SCHEMA)
    Base.metadata.create_all(engine)
    assert settings.openimis_url is not None
    source = open_source(settings.openimis_url)
    database = Database(engine)
    seals_columns(database, column_sealer(settings))
    began, busy = time.monotonic(), time.process_time()
    counted = Sync(source, database, reading_of(settings)).run()
    assert counted is not None
    return {
        "rows": sum(one.read for one in counted),
        "changed": sum(one.changed for one in counted),
        "rejected": sum(one.rejected.total() for one in counted),
        "waiting": sum(one.waiting for one in counted),
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - busy,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    sys.exit(main())
