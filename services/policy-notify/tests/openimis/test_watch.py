"""openIMIS is watched by one process: changes every few minutes, everything every night."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from policy_notify.container import Container
from policy_notify.errors import SourceAway
from policy_notify.models import Insuree, SyncState
from policy_notify.openimis import commands
from policy_notify.openimis.sync import Counts
from policy_notify.openimis.watch import LEASE, OVERLAP, Pass, Timetable, Watcher, next_pass
from policy_notify.runs.lease import Lease
from sqlalchemy import func, select

DAR = ZoneInfo("Africa/Dar_es_Salaam")
TIMETABLE = Timetable(timedelta(minutes=5), 2, DAR)
#: Nine in the morning in Dar es Salaam.
NINE = datetime(2026, 5, 10, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NIGHT = datetime(2026, 5, 9, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("whole_at", "latest_at", "now", "due"),
    [
        (None, None, NINE, Pass(NINE, None)),
        (NIGHT, NINE - 4 * MINUTE, NINE, None),
        (NIGHT, NINE - 5 * MINUTE, NINE, Pass(NINE, NINE - 5 * MINUTE - OVERLAP)),
        (NIGHT - MINUTE, NINE - MINUTE, NINE, Pass(NINE, None)),
        (NIGHT - MINUTE, NIGHT - MINUTE, NIGHT - MINUTE, None),
        (NIGHT - MINUTE, NIGHT - MINUTE, NIGHT, Pass(NIGHT, None)),
    ],
)
def test_passes_are_due_by_the_clock(
    whole_at: datetime | None, latest_at: datetime | None, now: datetime, due: Pass | None
) -> None:
    assert next_pass(whole_at, latest_at, now, TIMETABLE) == due


@dataclass
class Clock:
    """A clock that the test sets."""

    now: datetime = NINE

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(container: Container, openimis: Any, clock: Clock) -> Watcher:
    return Watcher(container, openimis.url, lambda: False, now=clock)


def by_kind(counted: list[Counts] | None) -> dict[str, Counts]:
    assert counted is not None
    return {one.kind: one for one in counted}


def rename(openimis: Any, chf_id: str, **columns: Any) -> None:
    changes = ", ".join(f'"{name}" = %s' for name in columns)
    openimis.change(
        f'UPDATE "tblInsuree" SET {changes} WHERE "CHFID" = %s', *columns.values(), chf_id
    )


def name_of(container: Container, chf_id: str) -> str | None:
    with container.database.reading() as session:
        return session.scalar(select(Insuree.last_name).where(Insuree.chf_id == chf_id))


def test_everything_comes_first_and_then_what_has_changed(
    container: Container, openimis: Any, watcher: Watcher, clock: Clock
) -> None:
    first = by_kind(watcher.step())
    assert (first["insurees"].read, first["families"].missing) == (69, 0)
    assert watcher.step() is None

    rename(openimis, "M001", LastName="Changed", ValidityFrom=datetime(2026, 5, 10, 9, 2))  # noqa: DTZ001
    clock.now += 4 * MINUTE
    assert watcher.step() is None
    clock.now += MINUTE
    second = by_kind(watcher.step())
    assert (second["insurees"].read, second["insurees"].changed) == (1, 1)
    assert second["insurees"].missing is None
    assert name_of(container, "M001") == "Changed"


def test_night_finds_what_changed_without_a_new_time_and_what_is_gone(
    container: Container, openimis: Any, watcher: Watcher, clock: Clock
) -> None:
    watcher.step()
    rename(openimis, "M001", LastName="Silent")
    openimis.change('DELETE FROM "tblInsuree" WHERE "CHFID" = %s', "M002")

    clock.now += 5 * MINUTE
    assert by_kind(watcher.step())["insurees"].changed == 0
    clock.now = NINE + timedelta(hours=17)
    at_night = by_kind(watcher.step())["insurees"]

    assert (at_night.changed, at_night.missing) == (1, 1)
    assert name_of(container, "M001") == "Silent"


def test_one_process_reads_and_another_goes_on_with_what_it_left(
    container: Container, openimis: Any, watcher: Watcher, clock: Clock
) -> None:
    stopped = replace(watcher, is_stopping=lambda: True)
    assert stopped.step() is None
    with container.database.writing() as session:
        assert Lease(LEASE, now=clock, row=SyncState).take(session)
    assert watcher.step() is None

    clock.now += LEASE + MINUTE
    counted = by_kind(watcher.step())

    assert counted["locations"].read == 0
    assert counted["insurees"].read == 69


def test_reader_whose_lease_another_took_remembers_nothing(
    container: Container, watcher: Watcher, clock: Clock
) -> None:
    def stall(_counts: Counts) -> None:
        clock.now += LEASE + MINUTE
        with container.database.writing() as session:
            Lease(LEASE, now=clock, row=SyncState).take(session)

    assert replace(watcher, progress=stall).step() is None

    with container.database.reading() as session:
        state = session.scalars(select(SyncState)).one()
    assert (state.whole_at, state.latest_at) == (None, None)
    assert state.token not in (None, watcher.token)


def test_database_that_is_away_is_asked_again(
    container: Container, openimis: Any, watcher: Watcher
) -> None:
    away = replace(watcher, url=f"{openimis.url}_away")
    with pytest.raises(SourceAway):
        away.step()
    away.guarded_step()

    assert by_kind(watcher.step())["insurees"].read == 69


def test_command_watches_until_it_is_told_to_stop(
    app: Flask, container: Container, openimis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_soon(handler: Callable[[], threading.Event] = commands.stop_on_signals) -> Any:
        stopping = handler()
        threading.Thread(target=_end_when_done, args=(container,)).start()
        return stopping

    monkeypatch.setattr(commands, "stop_on_signals", stop_soon)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with app.app_context():
            arguments = ["sync", "openimis", "--watch", "--database-url", openimis.url]
            result = app.test_cli_runner().invoke(args=arguments)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)

    assert result.exit_code == 0, result.output
    assert "insurees: 69 read, 69 changed, 0 rejected, 0 waiting, 0 missing" in result.output


def _end_when_done(container: Container) -> None:
    """SIGTERM to this process once a whole pass is on record, or in 20 s all the same."""
    waiting = threading.Event()
    for _ in range(200):
        with container.database.reading() as session:
            if session.scalar(select(func.count()).where(SyncState.whole_at.is_not(None))):
                break
        waiting.wait(0.1)
    os.kill(os.getpid(), signal.SIGTERM)


def test_watch_goes_with_no_single_pass(app: Flask) -> None:
    arguments = ["sync", "openimis", "--watch", "--dry-run", "--database-url", "postgresql://x/y"]
    with app.app_context():
        result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 2
    assert "--watch goes with neither" in result.output
