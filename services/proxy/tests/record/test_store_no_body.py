"""A channel that stores no bodies: of what calls hold there is nothing to read, wherever one looks.

What must be repeated or answered again is kept sealed, and only where the channel says so.
"""

import json
import logging
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import (
    Base,
    IdempotencyKey,
    Rejection,
    ShadowDifference,
    StoredRequest,
    StoredResponse,
    Transaction,
)
from proxy.models.sealed import NOT_STORED
from proxy.record.live_feed import LiveFeed
from proxy.record.transactions import TransactionFilter
from raw_mediator import RawMediator, answer
from sqlalchemy import func, select
from waiting import eventually

SECRET = "s" * 32
ASKED, ANSWERED, ELSEWHERE = "NIN-19800101-asked", "Amina-answered", "Amina-elsewhere"
REPORT = {
    "response": {"status": 200, "headers": {}, "body": ANSWERED},
    "orchestrations": [
        {
            "name": "look up",
            "request": {"body": ASKED},
            "response": {"status": 200, "body": ANSWERED},
        }
    ],
}


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    started.default = answer(ANSWERED.encode(), "200 OK", "Content-Type: text/plain")
    yield started
    started.close()


@pytest.fixture
def other_hub() -> Iterator[RawMediator]:
    started = RawMediator()
    started.default = answer(ELSEWHERE.encode(), "200 OK", "Content-Type: text/plain")
    yield started
    started.close()


@pytest.fixture
def opened(api: Any, upstream: RawMediator) -> Callable[..., dict[str, Any]]:
    """Opens a channel that stores no bodies."""
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    api.made("clients", **api.a_client(client_secret=SECRET))
    storing = {"store_request_body": False, "store_response_body": False}
    return lambda **given: dict(api.made("channels", **api.a_channel(mediator, **storing, **given)))


def posted(served: Any, **headers: str) -> Any:
    given = {"Content-Type": "text/plain", **headers}
    return served.post("/patients/1", data=ASKED, headers=given, auth=("clinic", SECRET))


def seen(container: Container, caplog: pytest.LogCaptureFixture) -> str:
    """All that whoever copies the database, its files and the logs reads."""
    with container.database.engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
    folder = container.settings.var_dir
    found = [*folder.glob("*.sqlite*"), *folder.glob("*.db*")]
    # By another process: if ours closed such a file, its locks on the database would be gone.
    files = subprocess.run(["cat", *found], capture_output=True, check=True).stdout
    return f"{rows}{files}{caplog.text}"


def rows_of(container: Container, model: type[Any]) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def check(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    text = seen(container, caplog)
    assert [one for one in (ASKED, ANSWERED, ELSEWHERE) if one in text] == []


def test_a_call_leaves_its_lengths_only(
    served: Any, api: Any, opened: Any, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened()
    call = posted(served).headers["X-Correlation-Id"]

    kept = api.get(f"transactions/{call}/").get_json()["data"]
    assert (kept["request_body"], kept["response_body"]) == (NOT_STORED, NOT_STORED)
    assert kept["request_body_length"] == len(ASKED)
    assert rows_of(container, StoredRequest) == rows_of(container, StoredResponse) == 0
    again = api.post(f"transactions/{call}/rerun/")
    assert again.status_code == 409
    check(container, caplog)


def test_the_answer_of_a_key_is_sealed(
    served: Any, opened: Any, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened()
    first, second = (posted(served, **{"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.text == second.text == ANSWERED
    assert rows_of(container, Transaction) == rows_of(container, IdempotencyKey) == 1
    check(container, caplog)


def test_what_is_kept_to_the_byte_is_sealed_also_for_the_worker(
    served: Any, api: Any, opened: Any, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened(keep_whole_bodies=True)
    call = posted(served).headers["X-Correlation-Id"]
    accepted = posted(served, Prefer="respond-async")
    again = api.post(f"transactions/{call}/rerun/")

    assert (accepted.status_code, again.status_code) == (202, 202)
    assert rows_of(container, StoredRequest) == 3
    for one in api.get("transactions/").get_json()["data"]:
        kept = api.get(f"transactions/{one['correlation_id']}/").get_json()["data"]
        assert kept["request_body"] == NOT_STORED
    check(container, caplog)


def test_steps_of_routes_and_reports_hold_no_bodies(
    served: Any,
    api: Any,
    opened: Any,
    upstream: RawMediator,
    container: Container,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    opened(routes=[{"name": "archive", "url": upstream.url, "wait": True}])
    kind = "Content-Type: application/json+openhim"
    upstream.default = answer(json.dumps(REPORT).encode(), "200 OK", kind)
    call = posted(served).headers["X-Correlation-Id"]

    kept = api.get(f"transactions/{call}/").get_json()["data"]
    assert len(kept["orchestrations"]) == 2
    assert ASKED not in str(kept)
    assert ANSWERED not in str(kept)
    check(container, caplog)


def test_a_difference_from_another_hub_quotes_nothing(
    served: Any,
    opened: Any,
    other_hub: RawMediator,
    container: Container,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    opened(shadow_url=other_hub.url, shadow_unsafe=True)
    posted(served)

    eventually(lambda: rows_of(container, ShadowDifference) == 1)
    check(container, caplog)


def test_a_rejection_quotes_nothing(
    served: Any, api: Any, opened: Any, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened(request_body_schema={"type": "object"})
    assert posted(served).status_code == 422
    served.post("/nowhere", data=ASKED, auth=("clinic", SECRET))

    eventually(lambda: rows_of(container, Rejection) == 2)
    assert ASKED not in str(api.get("transactions/").get_json())
    check(container, caplog)


def test_open_lists_are_told_of_no_body(
    served: Any, opened: Any, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    opened()
    feed = LiveFeed(container.database)
    viewer = feed.watch(TransactionFilter())
    posted(served)
    change = viewer.next(10)
    feed.leave(viewer)

    assert change is not None
    assert all("request_body" not in call.__dict__ for call in change.calls)
    check(container, caplog)
