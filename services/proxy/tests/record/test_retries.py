"""Failed calls that are made again by themselves: which, when, how many at a time, how often."""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from common.clock import utc_now
from common.db.reader import Reader
from proxy.container import Container
from proxy.gateway.async_calls import Claimed
from proxy.gateway.call_runner import CallRunner
from proxy.gateway.forward import Forwarder
from proxy.gateway.load_table import load_table
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import RetryRule
from proxy.models import (
    FINAL_STATUSES,
    AsyncCall,
    GatewayProcess,
    Retry,
    StoredRequest,
    Transaction,
    TransactionStatus,
)
from proxy.record.reruns import rerun_one
from proxy.record.retries import make_due_retries
from proxy.record.retry_rows import SPREAD, FailedCall, due_at, first_retry, may_retry, note_end
from proxy.record.sealing import RequestCopy
from proxy.sweeper import end_interrupted
from raw_mediator import RawMediator, answer, hang_up, raw_answer
from sqlalchemy import func, insert, select, update

RULE = RetryRule(period_s=100, max_attempts=3)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LOST = FailedCall("PUT", None)
#: It streams, and ends in the middle.
BROKEN_OFF = raw_answer(
    b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 400_000, close=True
)

Record = Callable[..., str]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (FailedCall("POST", 502, is_surely_not_sent=True), True),
        (FailedCall("GET", 502, is_surely_not_sent=True), True),
        (FailedCall("POST", 502), False),
        (FailedCall("POST", None), False),
        (FailedCall("POST", 200, has_broken_off=True), False),
        (FailedCall("PATCH", 504), False),
        (FailedCall("GET", 504), True),
        (FailedCall("PUT", None), True),
        (FailedCall("DELETE", 500), True),
        (FailedCall("PUT", 200, has_broken_off=True), True),
        (FailedCall("GET", 404), False),  # asking again would not help
        (FailedCall("GET", 200), False),  # the mediator itself says that it failed
        (FailedCall("PUT", 502, is_for_bus=True), False),
        (FailedCall("PUT", 502, is_for_bus=True, is_surely_not_sent=True), True),
    ],
)
def test_only_what_cannot_act_twice_is_made_again(failure: FailedCall, expected: bool) -> None:
    assert may_retry(failure) is expected


def test_calls_that_failed_together_are_spread() -> None:
    moments = {due_at(RULE, NOON) for _ in range(50)}

    assert len(moments) > 40
    assert NOON + timedelta(seconds=100) <= min(moments)
    assert max(moments) <= NOON + timedelta(seconds=100 * (1 + SPREAD))


# --- what a call's end writes


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def call(api: Any, container: Container, served: Any, upstream: RawMediator) -> Callable[..., Any]:
    """Makes a call to a mediator that answers like this; gives what there is to retry."""
    secret = api.made("clients", **api.a_client())["client_secret"]
    credentials = {"X-Client-Id": "clinic", "X-Client-Secret": secret}

    def make(method: str, responder: Any, **channel: Any) -> Retry | None:
        upstream.default = responder or answer(b"ok")
        mediator = api.a_mediator(endpoint_url=upstream.url if responder else "http://127.0.0.1:9")
        settings = {"retry_period_s": 100, **channel}
        api.made("channels", **api.a_channel(api.made("mediators", **mediator), **settings))
        with suppress(requests.RequestException):  # an answer that breaks off does so for us, too
            served.open(method, "/patients/17", headers=credentials, data=b"\xff\x00")
        return retry_of(ended(container))

    def retry_of(call_id: uuid.UUID) -> Retry | None:
        with container.database.reading() as session:
            return session.get(Retry, call_id)

    return make


def ended(container: Container) -> uuid.UUID:
    """The one call, once it has ended."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with container.database.reading() as session:
            found = session.scalars(select(Transaction)).one()
        if found.status in FINAL_STATUSES:
            return found.correlation_id
        time.sleep(0.02)
    raise AssertionError("the call does not end")


NOBODY_THERE = None


@pytest.mark.parametrize(
    ("method", "responder", "is_retried"),
    [
        ("POST", NOBODY_THERE, True),
        ("PUT", NOBODY_THERE, True),
        ("POST", hang_up, False),
        ("PUT", hang_up, True),
        ("POST", answer(b"", "503 Service Unavailable"), False),
        ("PUT", answer(b"", "503 Service Unavailable"), True),
        ("PUT", answer(b"", "404 Not Found"), False),
        ("PUT", BROKEN_OFF, True),
        ("POST", BROKEN_OFF, False),
        ("PUT", answer(b"ok"), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_end_of_a_failed_call_says_whether_it_is_made_again(
    call: Any, method: str, responder: Any, is_retried: bool
) -> None:
    found = call(method, responder)
    assert (found is not None) is is_retried
    if found is not None:
        assert (found.made, found.repeat_id) == (0, None)
        assert utc_now() + timedelta(seconds=80) < found.next_attempt_at


def test_request_of_a_call_that_found_nobody_is_kept_to_the_byte(
    call: Any, container: Container
) -> None:
    found = call("POST", NOBODY_THERE, keep_whole_bodies=True)

    with container.database.reading() as session:
        stored = session.get_one(StoredRequest, found.correlation_id)
        assert container.sealer.open(stored).body == b"\xff\x00"


def test_channel_without_a_period_makes_nothing_again(call: Any) -> None:
    assert call("PUT", NOBODY_THERE, retry_period_s=None) is None


@pytest.mark.parametrize(("method", "is_retried"), [("GET", True), ("POST", False)])
def test_interrupted_call_is_made_again_where_it_cannot_act_twice(
    api: Any, container: Container, channel: Any, record: Record, method: str, is_retried: bool
) -> None:
    api.patch(f"channels/{channel['id']}/", {"retry_period_s": 5})
    record(request_method=method, status=TransactionStatus.PROCESSING, owner="dead")
    with container.database.writing() as session:
        session.add(GatewayProcess(name="dead", seen_at=NOON))

    assert end_interrupted(container.database) == 1

    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Retry)) == is_retried


@pytest.mark.parametrize(
    ("has_key", "attempts", "is_retried"),
    [(False, 2, True), (True, 1, True), (True, 2, False)],
    ids=["surely not sent", "the only attempt", "an earlier attempt may have arrived"],
)
def test_asynchronous_post_that_nobody_took_is_made_again_where_no_attempt_may_have_arrived(
    api: Any,
    container: Container,
    channel: Any,
    record: Record,
    run: Any,
    has_key: bool,
    attempts: int,
    is_retried: bool,
) -> None:
    api.patch(f"channels/{channel['id']}/", {"retry_period_s": 5})
    call = uuid.UUID(record(request_method="POST", status=TransactionStatus.PENDING))
    channel_id, token = uuid.UUID(channel["id"]), uuid.uuid4()
    copy = RequestCopy("/patients/17", "", [], b"x")
    with container.database.writing() as session:
        session.add(StoredRequest(**container.sealer.row(call, copy)))
        session.add(
            AsyncCall(
                correlation_id=call,
                channel_id=channel_id,
                has_idempotency_key=has_key,
                next_attempt_at=NOON,
                attempt_count=attempts,
                lease_token=token,
            )
        )
    settings = dataclasses.replace(container.settings, async_max_attempts=attempts)
    routing, threads = Routing(container.database, settings, container.sealer), Reader()
    routing.refresh()
    forwarder = Forwarder(1.0, container.esb_relay, settings.outbound())
    runner = CallRunner(container.database, settings, routing, forwarder, container.sealer, threads)

    run(runner.run(Claimed(call, token, attempts, False, channel_id, None, has_key)))

    with container.database.reading() as session:
        assert session.get_one(Transaction, call).status is TransactionStatus.FAILED
        assert (session.get(Retry, call) is not None) is is_retried


# --- what the worker makes of it


@pytest.fixture
def waiting(
    api: Any, container: Container, channel: dict[str, Any], record: Record
) -> Callable[[int], list[str]]:
    """So many failed calls whose retry is due."""
    api.patch(f"channels/{channel['id']}/", {"retry_period_s": 100, "retry_max_attempts": 2})

    def make(number: int) -> list[str]:
        calls = [record(minute, status=TransactionStatus.FAILED) for minute in range(number)]
        channel_id = uuid.UUID(channel["id"])
        rows = [first_retry(uuid.UUID(one), channel_id, RULE, NOON) for one in calls]
        with container.database.writing() as session:
            session.execute(insert(Retry), rows)
        return calls

    return make


def make_due(container: Container, at_once: int = 10) -> int:
    with container.database.reading() as session:
        table = load_table(session, 0, 30.0)
    return make_due_retries(container.database, container.sealer, table, at_once)


def retries(container: Container) -> dict[str, Retry]:
    with container.database.reading() as session:
        return {str(one.correlation_id): one for one in session.scalars(select(Retry))}


def parents(container: Container) -> list[str]:
    with container.database.reading() as session:
        query = select(Transaction.parent_id).where(Transaction.parent_id.is_not(None))
        return sorted(map(str, session.scalars(query)))


def end(container: Container, original: str, failure: FailedCall | None, rule: Any = RULE) -> None:
    """The repetition of a call ends."""
    retry = retries(container)[original]
    assert retry.repeat_id is not None
    status = TransactionStatus.FAILED if failure else TransactionStatus.SUCCESSFUL
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.correlation_id == retry.repeat_id)
            .values(status=status)
        )
        original_id = uuid.UUID(original)
        note_end(session, retry.repeat_id, original_id, retry.channel_id, rule, failure)


def fall_due(container: Container) -> None:
    with container.database.writing() as session:
        session.execute(update(Retry).values(next_attempt_at=NOON))


def test_few_are_in_progress_at_a_time(container: Container, waiting: Any) -> None:
    calls = waiting(5)

    assert [make_due(container, 2) for _ in range(2)] == [2, 0]
    in_progress = [one for one, row in retries(container).items() if row.repeat_id]
    end(container, in_progress[0], None)

    assert make_due(container, 2) == 1
    assert len(parents(container)) == 3
    assert set(parents(container)) <= set(calls)


def test_retry_that_is_not_due_waits(container: Container, waiting: Any) -> None:
    waiting(1)
    with container.database.writing() as session:
        session.execute(update(Retry).values(next_attempt_at=utc_now() + timedelta(minutes=1)))

    assert make_due(container) == 0


def test_call_is_made_again_until_it_ends_well_or_often_enough(
    container: Container, waiting: Any
) -> None:
    good, bad = waiting(2)
    rule = RetryRule(100, 2)
    make_due(container)
    end(container, good, None, rule)
    end(container, bad, LOST, rule)
    row = retries(container)[bad]
    assert (row.made, row.repeat_id, good in retries(container)) == (1, None, False)
    assert row.next_attempt_at > utc_now()

    fall_due(container)
    make_due(container)
    end(container, bad, LOST, rule)

    assert retries(container) == {}
    assert parents(container) == sorted([good, bad, bad])


def test_outcome_that_is_not_known_of_a_post_ends_its_retries(
    container: Container, waiting: Any
) -> None:
    [call] = waiting(1)
    make_due(container)

    end(container, call, FailedCall("POST", None))

    assert retries(container) == {}


def test_call_that_somebody_made_again_meanwhile_is_not_made_again(
    container: Container, waiting: Any
) -> None:
    [call] = waiting(1)
    rerun_one(container.database, container.sealer, uuid.UUID(call), 30.0)

    assert make_due(container) == 0
    assert (retries(container), parents(container)) == ({}, [call])


def test_rerun_by_an_operator_is_not_made_again_by_itself(
    container: Container, channel: Any, record: Record
) -> None:
    call = record(1, status=TransactionStatus.FAILED)
    made = rerun_one(container.database, container.sealer, uuid.UUID(call), 30.0)
    with container.database.writing() as session:
        channel_id = uuid.UUID(channel["id"])
        note_end(session, made.correlation_id, made.parent_id, channel_id, RULE, LOST)

    assert retries(container) == {}


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"retry_period_s": None}, {"requires_request_body": True}]
)
def test_channel_of_today_decides(
    api: Any, container: Container, channel: Any, waiting: Any, change: dict[str, Any]
) -> None:
    waiting(1)
    with container.database.writing() as session:
        session.execute(update(Transaction).values(request_method="POST"))
    api.patch(f"channels/{channel['id']}/", change)

    assert make_due(container) == 0
    assert (retries(container), parents(container)) == ({}, [])


def test_repetition_whose_end_nobody_noted_does_not_hold_a_place_for_ever(
    container: Container, waiting: Any
) -> None:
    first, second = waiting(2)
    assert make_due(container, 1) == 1
    [in_progress] = [one for one, row in retries(container).items() if row.repeat_id]
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.parent_id.is_not(None))
            .values(status=TransactionStatus.FAILED)
        )
    fall_due(container)

    assert make_due(container, 1) == 1
    assert list(retries(container)) == [{first: second, second: first}[in_progress]]
