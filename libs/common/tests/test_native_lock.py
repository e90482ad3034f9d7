"""Greenlets and native threads that use one database and one log at once, as under gevent."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

PROGRAM = """
from gevent import monkey; monkey.patch_all()
import sys
import gevent
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from common.database import Database, open_engine
from common.logs import configure_logging, get_logger
from common.settings import Environment

class Base(DeclarativeBase): pass
class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)

database = Database(open_engine(Environment.read({"VAR_DIR": sys.argv[2]}), "things"))
configure_logging("test", "INFO")
log = get_logger("test")

def read():
    with database.reading() as session:
        assert session.scalars(select(Thing)).all()

def several_times():
    for _ in range(10):
        read() if sys.argv[1] == "read" else log.info("said")

def in_native_threads():
    for _ in range(40):
        gevent.get_hub().threadpool.apply(several_times)

def in_the_loop():
    for _ in range(80):
        several_times()
        gevent.sleep(0)

sys.setswitchinterval(1e-6)  # so that they meet at every lock there is
workers = [gevent.spawn(act) for act in (in_native_threads, in_the_loop) for _ in range(10)]
done = gevent.joinall(workers, timeout=30)
assert len(done) == 20, f"{20 - len(done)} of 20 wait for ever"
assert all(one.successful() for one in workers)
"""


@pytest.mark.parametrize("act", ["read", "log"])
def test_greenlets_and_native_threads_never_wait_for_ever(tmp_path: Path, act: str) -> None:
    with closing(sqlite3.connect(tmp_path / "things.sqlite3")) as connection:
        connection.executescript("CREATE TABLE things (id INTEGER); INSERT INTO things VALUES (1)")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, act, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stderr.count('"said"') == (10 * 10 * (40 + 80) if act == "log" else 0)
