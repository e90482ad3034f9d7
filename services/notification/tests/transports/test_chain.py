"""Several providers: the next is tried only when the one before surely has it not."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from notification.transports import Outcome, Result
from notification.transports.sms import SmsTransport
from notification.transports.sms.transport import combine
from raw_mediator import RawMediator, answer, hang_up

OK = answer(b'{"message_id": "m1"}')
TAKEN = answer(b'{"messages": [{"messageId": "m1", "status": {"groupName": "PENDING"}}]}')
BUSY = answer(b"", "503 Busy", "Retry-After: 30")
BAD = answer(b"", "400 Bad number")
IN_PART = answer(b'{"messages": [{"status": {"name": "REJECTED_DND"}}, {"status": {}}]}')


def slow(sock: Any, call: Any) -> Any:
    time.sleep(0.1)
    return OK(sock, call)


@pytest.fixture
def second() -> Iterator[RawMediator]:
    server = RawMediator(default=TAKEN)
    yield server
    server.close()


@pytest.fixture
def chain(gateway: Any, second: RawMediator, new_provider: Callable) -> SmsTransport:
    providers = [
        new_provider("generic", url=gateway.url, ask_url=gateway.url),
        new_provider("nextsms", url=f"{second.url}/text/single"),
    ]
    return SmsTransport(providers, smallest_slice=32)


@pytest.mark.parametrize("rejection", [BUSY, BAD, answer(b"", "401 Who")])
def test_a_refused_message_goes_to_the_next(
    chain: SmsTransport, gateway: Any, message: Callable, rejection: Any
) -> None:
    gateway.server.default = rejection
    with chain.batch() as sender:
        (result,) = sender.send([message()])
    assert (result.outcome, result.provider) == (Outcome.SENT, "nextsms")


def test_a_slice_holds_more_where_messages_leave_fast(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    transport = SmsTransport([new_provider("generic", url=gateway.url)], smallest_slice=4)
    assert transport.slice_size == 4
    transport.send([message() for _ in range(64)])
    assert transport.slice_size > 4
    gateway.server.default = slow
    transport.send([message()])
    assert transport.slice_size == 4


@pytest.mark.parametrize("doubtful", [hang_up, answer(b"<html>"), IN_PART, OK])
def test_one_that_may_have_been_taken_does_not(
    chain: SmsTransport, gateway: Any, second: RawMediator, message: Callable, doubtful: Any
) -> None:
    gateway.server.default = doubtful
    chain.send([message()])
    assert second.received == []


def test_only_the_refused_ones_go_on(
    chain: SmsTransport, gateway: Any, second: RawMediator, message: Callable
) -> None:
    def odd(sock: Any, call: Any) -> Any:
        return (BAD if b"odd" in call.body else OK)(sock, call)

    gateway.server.default = odd
    references = ["odd-1", "even-2", "odd-3"]
    results = chain.send([message(reference=reference) for reference in references])
    assert [one.provider for one in results] == ["nextsms", "generic", "nextsms"]
    assert len(second.received) == 2


def result(outcome: Outcome, wait_s: float | None = None) -> Result:
    name = outcome.name
    return Result(outcome=outcome, provider=name, error=f"{name} said", retry_after_s=wait_s)


NOW, GOOD = Outcome.REFUSED_FOR_NOW, Outcome.REFUSED_FOR_GOOD


@pytest.mark.parametrize(
    ("earlier", "later", "outcome", "wait_s"),
    [
        (result(NOW, 30), result(GOOD), NOW, 30),
        (result(GOOD), result(NOW, 20), NOW, 20),
        (result(NOW, 30), result(NOW, 20), NOW, 20),
        (result(NOW, 30), result(NOW), NOW, None),
        (result(GOOD), result(GOOD), GOOD, None),
        (result(NOW, 30), result(Outcome.UNKNOWN), Outcome.UNKNOWN, None),
        (result(GOOD), result(Outcome.SENT), Outcome.SENT, None),
    ],
)
def test_what_two_say_together(
    earlier: Result, later: Result, outcome: Outcome, wait_s: float | None
) -> None:
    together = combine(earlier, later)
    assert (together.outcome, together.retry_after_s) == (outcome, wait_s)
    assert later.error in together.error


def test_all_that_refused_are_named(
    chain: SmsTransport, gateway: Any, second: RawMediator, message: Callable
) -> None:
    gateway.server.default, second.default = BUSY, BAD
    (refused,) = chain.send([message()])
    assert (refused.outcome, refused.retry_after_s) == (NOW, 30)
    assert refused.error == "generic answered 503; nextsms answered 400"


HAS_IT = answer(b'{"results": [{"messageId": "m1", "status": {"groupName": "PENDING"}}]}')
HAS_IT_NOT = answer(b"{}", "404 No")


@pytest.mark.parametrize(
    ("first", "other", "provider", "outcome"),
    [
        (HAS_IT_NOT, HAS_IT, None, Outcome.SENT),
        (HAS_IT, HAS_IT_NOT, None, Outcome.SENT),
        (HAS_IT_NOT, HAS_IT_NOT, None, None),  # the second's 404 says nothing
        (HAS_IT_NOT, HAS_IT, "generic", NOW),
        (HAS_IT_NOT, HAS_IT, "nextsms", Outcome.SENT),
        (HAS_IT, HAS_IT, "beem", None),
    ],
)
def test_that_nobody_has_it_must_be_said_by_all(
    chain: SmsTransport,
    gateway: Any,
    second: RawMediator,
    message: Callable,
    first: Any,
    other: Any,
    provider: str | None,
    outcome: Outcome | None,
) -> None:
    gateway.server.default, second.default = first, other
    known = chain.ask(message(), provider)
    assert (known and known.outcome) is outcome
