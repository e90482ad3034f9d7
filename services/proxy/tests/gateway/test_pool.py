"""Resting connections: for how long, to whom, and for whom."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from common.http.connection import Connection
from common.http.endpoint import Endpoint
from common.http.pool import MAX_IDLE_S, Pool
from raw_mediator import RawMediator


@pytest.fixture
def mediator() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def endpoint(mediator: RawMediator) -> Endpoint:
    return Endpoint.parse(mediator.url)


@pytest.fixture
def pool(run: Any) -> Iterator[Pool]:
    opened = Pool(1.0)
    yield opened

    async def close() -> None:
        opened.close()

    run(close())


@pytest.mark.parametrize(
    ("after_s", "is_reused"), [(MAX_IDLE_S - 1, True), (MAX_IDLE_S + 0.001, False)]
)
def test_connection_that_rested_long_is_not_used_again(
    run: Any, pool: Pool, endpoint: Endpoint, after_s: float, is_reused: bool
) -> None:
    async def take_again() -> tuple[Connection, Connection]:
        first = await pool.take(endpoint)
        pool.put(endpoint, first)
        first.rested_since -= after_s
        second = await pool.take(endpoint)
        second.close()
        return first, second

    first, second = run(take_again())
    assert (second is first) is is_reused
    assert second.is_fresh is not is_reused
    assert first.is_closed


def test_mediators_do_not_share_connections(
    run: Any, pool: Pool, mediator: RawMediator, endpoint: Endpoint
) -> None:
    async def take_both() -> tuple[Connection, Connection]:
        resting = await pool.take(endpoint)
        pool.put(endpoint, resting)
        other = await pool.take(Endpoint.parse(f"{mediator.url}/other"))
        other.close()
        return resting, other

    resting, other = run(take_both())
    assert other is not resting


def test_connection_is_in_one_hand_at_a_time(run: Any, pool: Pool, endpoint: Endpoint) -> None:
    in_hand: set[Connection] = set()
    taken: set[Connection] = set()

    async def work() -> None:
        for _ in range(300):
            connection = await pool.take(endpoint)
            assert connection not in in_hand
            in_hand.add(connection)
            taken.add(connection)
            await asyncio.sleep(0)
            in_hand.remove(connection)
            pool.put(endpoint, connection)

    async def all_at_once() -> None:
        await asyncio.gather(*(work() for _ in range(8)))

    run(all_at_once())
    assert len(taken) == 8


def test_pool_that_is_closed_keeps_no_connection(run: Any, pool: Pool, endpoint: Endpoint) -> None:
    async def close() -> Connection:
        resting = await pool.take(endpoint)
        pool.put(endpoint, resting)
        pool.close()
        return resting

    assert run(close()).is_closed
