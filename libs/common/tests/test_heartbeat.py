"""A worker that stands still is told from one that works."""

import os
import time
from pathlib import Path

import click
import pytest
from common.jobs.heartbeat import SILENT_AFTER_S, Heartbeat, check


def test_worker_that_beats_lives(tmp_path: Path) -> None:
    path = tmp_path / "run" / "worker"
    Heartbeat(path).beat()
    with pytest.raises(SystemExit) as ended:
        check(path)
    assert ended.value.code == 0


def test_worker_that_gives_no_sign_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "worker"
    Heartbeat(path)
    long_ago = time.time() - SILENT_AFTER_S - 5
    os.utime(path, (long_ago, long_ago))
    with pytest.raises(click.ClickException, match=r"no sign of life for 6\d s"):
        check(path)


def test_worker_that_never_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="No worker has started here"):
        check(tmp_path / "worker")
