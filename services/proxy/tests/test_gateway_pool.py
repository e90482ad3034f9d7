"""Resting connections: for how long, to whom, and for whom."""

import threading
from collections.abc import Iterator

import pytest
from common.upstream import MAX_IDLE_S, Connection, Endpoint, Pool
from raw_mediator import RawMediator


@pytest.fixture
def mediator() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


class Clock:
    """Time that passes when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("after_s", "is_reused"), [(MAX_IDLE_S, True), (MAX_IDLE_S + 1, False)])
def test_connection_that_rested_long_is_not_used_again(
    mediator: RawMediator, after_s: float, is_reused: bool
) -> None:
    clock = Clock()
    pool, endpoint = Pool(1.0, clock=clock), Endpoint.parse(mediator.url)
    pool.give_back(endpoint, pool.take(endpoint))
    clock.now += after_s
    connection = pool.take(endpoint)
    assert connection.is_fresh is not is_reused
    connection.close()


def test_mediators_do_not_share_connections(mediator: RawMediator) -> None:
    pool, endpoint = Pool(1.0), Endpoint.parse(mediator.url)
    resting = pool.take(endpoint)
    pool.give_back(endpoint, resting)
    other = pool.take(Endpoint.parse(f"{mediator.url}/other"))
    assert other is not resting
    other.close()
    pool.take(endpoint).close()


def test_threads_may_share_a_pool(mediator: RawMediator) -> None:
    pool, endpoint = Pool(1.0), Endpoint.parse(mediator.url)
    failed: list[Exception] = []
    in_hand: set[Connection] = set()

    def work() -> None:
        try:
            for _ in range(300):
                connection = pool.take(endpoint)
                assert connection not in in_hand
                in_hand.add(connection)
                in_hand.remove(connection)
                pool.give_back(endpoint, connection)
        except Exception as exc:  # noqa: BLE001 - told below
            failed.append(exc)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while not (connection := pool.take(endpoint)).is_fresh:
        connection.close()
    connection.close()
    assert failed == []
