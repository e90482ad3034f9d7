"""A client makes no more calls than it may, a second and at a time; others are asked nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from proxy.gateway.limits import Limit, Limits, share
from proxy.gateway.rejections import TooManyCalls
from raw_mediator import RawMediator, answer, slow


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(clock)


def headers_of(limits: Limits, limit: Limit) -> dict[str, str]:
    with pytest.raises(TooManyCalls) as caught:
        limits.enter("clinic", limit)
    return dict(caught.value.headers)


def test_bucket_holds_a_second_of_calls(limits: Limits, clock: Clock) -> None:
    limit = Limit(4.0, None)
    for _ in range(4):
        limits.enter("clinic", limit).leave()
    headers = headers_of(limits, limit)
    assert headers == {
        "Retry-After": "1",
        "RateLimit-Policy": '"rate";q=4;w=1',
        "RateLimit": '"rate";r=0;t=1',
    }
    limits.enter("lab", limit)
    clock.now += 0.25
    limits.enter("clinic", limit)
    headers_of(limits, limit)
    clock.now += 3600
    for _ in range(4):
        limits.enter("clinic", limit)
    headers_of(limits, limit)


def test_slow_rate_says_when_the_next_call_may_come(limits: Limits, clock: Clock) -> None:
    limit = Limit(0.1, None)
    limits.enter("clinic", limit)
    assert headers_of(limits, limit)["Retry-After"] == "10"
    clock.now += 10
    limits.enter("clinic", limit)


def test_calls_at_a_time_make_room_as_they_end(limits: Limits) -> None:
    limit = Limit(None, 2)
    first, second = limits.enter("clinic", limit), limits.enter("clinic", limit)
    assert headers_of(limits, limit)["RateLimit-Policy"] == '"concurrent";q=2'
    first.leave()
    first.leave()  # once is enough
    limits.enter("clinic", limit)
    headers_of(limits, limit)
    second.leave()
    limits.enter("clinic", limit)


@pytest.mark.parametrize(
    ("rate", "concurrent", "processes", "limit"),
    [
        (None, None, 2, None),
        (10.0, None, 2, Limit(5.0, None)),
        (None, 5, 2, Limit(None, 2)),
        (None, 1, 4, Limit(None, 1)),
    ],
)
def test_each_process_has_its_share(
    rate: float | None, concurrent: int | None, processes: int, limit: Limit | None
) -> None:
    assert share(rate, concurrent, processes) == limit


@pytest.fixture
def hub(served_with: Any, api: Any) -> Any:
    """A gateway with a channel, and clients on it: `hub(max_rate=…)` is the headers of one."""
    mediator = RawMediator()
    mediator.default = answer(b"ok")
    to = api.made("mediators", **api.a_mediator(endpoint_url=mediator.url))
    api.made("channels", **api.a_channel(to))

    def client(client_id: str, **limits: Any) -> dict[str, str]:
        made = api.made("clients", **api.a_client(client_id=client_id, **limits))
        return {"X-Client-Id": client_id, "X-Client-Secret": made["client_secret"]}

    client.mediator = mediator  # type: ignore[attr-defined]
    client.serve = lambda **settings: served_with(web_concurrency=1, **settings)  # type: ignore[attr-defined]
    yield client
    mediator.close()


def test_client_over_its_rate_is_429_and_others_are_not(hub: Any) -> None:
    limited, free, served = hub("clinic", max_rate=3), hub("lab"), hub.serve()
    statuses = [served.get("/patients/1", headers=limited).status_code for _ in range(6)]
    assert statuses[:3] == [200] * 3
    assert 429 in statuses[3:]
    assert [served.get("/patients/1", headers=free).status_code for _ in range(6)] == [200] * 6


def test_installation_limits_clients_that_have_no_limits_of_their_own(hub: Any) -> None:
    usual, special, served = hub("clinic"), hub("lab", max_rate=1000), hub.serve(client_max_rate=2)
    statuses = [served.get("/patients/1", headers=usual).status_code for _ in range(5)]
    assert statuses.count(200) in {2, 3}
    assert [served.get("/patients/1", headers=special).status_code for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("size", [2, 3_000_000])
def test_calls_over_the_limit_at_a_time_are_429_until_one_ended(hub: Any, size: int) -> None:
    named, served = hub("clinic", max_concurrent=2), hub.serve()
    hub.mediator.on("/patients/slow", slow(0.5, answer(b"x" * size)))
    with ThreadPoolExecutor(5) as threads:
        ask = lambda _: served.get("/patients/slow", headers=named).status_code  # noqa: E731
        statuses = sorted(threads.map(ask, range(5)))
    assert statuses == [200, 200, 429, 429, 429]
    for _ in range(3):  # rejected and ended calls have left
        assert served.get("/patients/1", headers=named).status_code == 200
    assert served.post("/nothing", headers=named).status_code == 404
    assert served.get("/patients/1", headers=named).status_code == 200
