"""Secondary routes of one call: whatever becomes of them is a step, and breaks nothing."""

import asyncio
import uuid
from typing import Any

import pytest
from common.clock import utc_now
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, OutcomeUnknown
from proxy.gateway.call import Body, Call
from proxy.gateway.secondary_routes import start_routes
from proxy.gateway.sent_routes import SentRoutes
from proxy.record.rows import NOT_STORED, Storing
from proxy.registry.secondary_routes import SecondaryRoute, accepted

SECRET = "s3cret-of-a-route"


class Failing:
    """Where each route ends in an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def ask(self, *_given: Any) -> Any:
        raise self.error


def a_route(name: str, *, wait: bool) -> SecondaryRoute:
    return SecondaryRoute(
        name=name,
        endpoint=Endpoint.parse("http://archive.example:8080/in"),
        wait=wait,
        accepts=accepted(""),
        timeout_s=1.0,
        total_timeout_s=1.0,
        credentials=("X-Key", SECRET),
    )


def a_call() -> Call:
    return Call(
        correlation_id=uuid.uuid4(),
        started_at=utc_now(),
        started_ns=0,
        method="POST",
        raw_path="/a",
        raw_query=f"token={SECRET}&b=1",
        headers={"Content-Type": "text/plain", "Cookie": SECRET},
        address="192.0.2.7",
        host="hub",
        scheme="http",
        content_length=4,
        stream=None,
    )


def sent(run: Any, error: Exception, storing: Storing) -> SentRoutes:
    async def send() -> SentRoutes:
        routes = [a_route("one", wait=True), a_route("two", wait=False)]
        failing: Any = Failing(error)
        started = start_routes(failing, a_call(), Body(b"body", 4), routes, storing)
        await started.wait_for_all()
        return started

    found: SentRoutes = run(send())
    return found


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotSent("cannot be reached"), "cannot be reached"),
        (OutcomeUnknown("the connection broke off"), "broke off, outcome unknown"),
        (RuntimeError(SECRET), "on our side, outcome unknown"),
    ],
)
def test_route_without_an_answer_is_a_step_that_says_why(run, error, words) -> None:
    routes = sent(run, error, Storing(99))
    assert routes.statuses == [502, 502]
    assert routes.are_in_progress
    first, second = routes.take()
    assert (first.part, second.part) == (1, 2)
    assert words in first.step["error"]["message"]
    assert first.step["request"]["body"] == "body"
    assert first.step["request"]["path"] == "/in/a"
    assert first.step["request"]["querystring"] == "token=***&b=1"
    assert first.step["request"]["headers"]["X-Key"] == "***"
    assert SECRET not in str(first.step)
    assert (routes.take(), routes.are_in_progress) == ([], False)


def test_bodies_that_are_not_stored_are_not_stored_of_routes_either(run) -> None:
    (first, _) = sent(run, NotSent("x"), Storing(99, request_body=False)).take()
    assert first.step["request"]["body"] == NOT_STORED


def test_steps_are_taken_as_they_come(run) -> None:
    async def check() -> None:
        later = asyncio.Event()

        class Slow(Failing):
            async def ask(self, _call: Any, _body: Any, route: SecondaryRoute) -> Any:
                if not route.wait:
                    await later.wait()
                raise self.error

        slow: Any = Slow(NotSent("x"))
        routes = [a_route("one", wait=True), a_route("two", wait=False)]
        started = start_routes(slow, a_call(), Body(b"", 0), routes, Storing(9))
        await started.wait_for_waited()
        assert [one.step["name"] for one in started.take()] == ["one"]
        assert started.are_in_progress
        later.set()
        await started.wait_for_all()
        assert [one.step["name"] for one in started.take()] == ["two"]

    run(check())
