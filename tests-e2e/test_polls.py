"""Polling channels of a running system: one call for each due time, however many workers."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hub import unique
from processes import another_worker
from raw_mediator import RawMediator

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


def polled_for(hub, mediator: RawMediator, seconds: int, eventually: Callable) -> list[datetime]:
    """The due times for which calls came, over so many seconds, with two workers."""
    path = f"/{unique('polled')}"
    record = hub.new_mediator(mediator.url)
    given = {"is_public": True, "polling": {"schedule": "* * * * * *"}}
    with another_worker(hub, "proxy"):
        channel = hub.new_channel(path, record["id"], **given)
        eventually(lambda: mediator.to(path))
        time.sleep(seconds)
        eventually(lambda: len(mediator.to(path)) >= seconds)
        hub.api("PATCH", f"channels/{channel['id']}/", 200, json={"is_active": False})
    got = mediator.to(path)
    listed = hub.api("GET", f"transactions/?channel={channel['name']}&limit=100", 200)["data"]
    made = {one["correlation_id"] for one in listed if one["status"] == "successful"}
    assert {one.header("X-Correlation-Id")[0] for one in got} <= made
    return sorted(datetime.fromisoformat(one.header("X-Poll-Due-At")[0]) for one in got)


def assert_each_second_once(due: list[datetime]) -> None:
    assert due == [due[0] + timedelta(seconds=number) for number in range(len(due))]


def test_two_workers_make_one_call_a_second(hub, mediator, eventually):
    due = polled_for(hub, mediator, 5, eventually)
    assert_each_second_once(due)


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_two_workers_make_sixty_calls_in_a_minute(hub, mediator, eventually):
    due = polled_for(hub, mediator, 60, eventually)
    assert_each_second_once(due)
    assert len([one for one in due if one < due[0] + timedelta(minutes=1)]) == 60
