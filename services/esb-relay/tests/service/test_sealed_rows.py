"""A copied database shows none of the messages that are kept; a turned-over key opens them all."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from common import sealing
from common.db.reader import Reader
from common.db.sealed_texts import TextSealer, seals_texts
from common.loop_thread import LoopThread
from common.resealing import reseal_column
from esb_relay.container import Container, build_engine
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.models import AsyncAnswer, Base
from esb_relay.models.sealed import sealed_columns
from esb_relay.worker import LEASE_S, _accepted_calls
from flask import Flask
from sqlalchemy import select

PATIENT = "patient-00001-amina"
BODY = f'{{"id":"{PATIENT}"}}'


@pytest.fixture
def app(app_with: Callable[..., Flask], tmp_path: Path) -> Flask:
    """An installation that keeps bodies, under keys of its own."""
    sealing.create_key(tmp_path)
    return app_with(store_bodies=True, seal_keys_dir=tmp_path)


def _copied(container: Container) -> str:
    """Everything that is in the tables, as whoever copies the database sees it."""
    with container.database.engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
    return str(rows)


def _turn_over(container: Container) -> int:
    """Reseal under a new key, remove the old one; how many rows changed."""
    folder = container.settings.seal_keys_folder
    former = [*folder.glob("*.key")]
    made = sealing.create_key(folder)
    made.rename(folder / f"9{made.name}")
    sealer = sealing.Sealer(sealing.KeyFolder(folder))
    counts = [
        reseal_column(container.database, sealer, column, pause_s=0) for column in sealed_columns()
    ]
    for one in former:
        one.unlink()
    seals_texts(container.database, TextSealer(sealing.Sealer(sealing.KeyFolder(folder))))
    assert not sum(one.unreadable for one in counts)
    return sum(one.sealed for one in counts)


def test_exchanges_are_sealed_and_shown(api: Any, container: Container) -> None:
    answer = api.relay(BODY)
    assert PATIENT not in _copied(container)
    assert PATIENT in api.exchange(answer)["request_body"]
    assert _turn_over(container) == 2
    assert PATIENT in api.exchange(answer)["request_body"]


def test_calls_of_the_bus_and_late_answers_are_sealed(
    api: Any, bus: Any, target: Any, container: Container, loop: LoopThread
) -> None:
    api.route(target=target.url, is_async=True)
    target.body = BODY.encode()
    first = bus.call("r", body=BODY)
    assert PATIENT not in _copied(container)
    loop.run(_ask_targets(container))
    assert PATIENT.encode() in target.asked[0].body
    assert PATIENT not in _copied(container)
    assert _turn_over(container) >= 4
    assert bus.call("r", body=BODY) == first
    with container.database.reading() as session:
        assert PATIENT in (session.scalars(select(AsyncAnswer)).one().body or "")


async def _ask_targets(container: Container) -> None:
    reader = Reader()
    engine = build_engine(container, reader, ExchangeWriter(container.database.engine))
    hands = _accepted_calls(container, engine, reader, LEASE_S)
    while await hands._start_due():
        await asyncio.gather(*hands._running)
    await engine.exchanger.close()
    engine.targets.close()
    reader.close()


def test_events_for_a_queue_are_sealed(api: Any, bus: Any, container: Container) -> None:
    api.route(target_kind="queue", target="esb.calls")
    bus.call("r", body=BODY)
    assert PATIENT not in _copied(container)
