"""The live list: calls are told of as they begin and end, to whom they concern, while they may."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import lowest_id_at, new_id_at
from common.web.draining import draining
from proxy.console import live
from proxy.container import Container
from proxy.models import Transaction, TransactionStatus
from proxy.record import live_feed
from proxy.record.live_feed import Feed
from sqlalchemy import update

STREAM = "/admin/mediator/transactions/live/"
PROCESSING, FAILED = TransactionStatus.PROCESSING, TransactionStatus.FAILED
MINUTE = timedelta(minutes=1)

Record = Callable[..., str]


class Events:
    """An open stream; ended with the test."""

    def __init__(self, browser: Any, query: str = "") -> None:
        self.answer = browser.get(STREAM + query, headers={"Accept": "text/event-stream"})
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.mimetype == "text/event-stream"
        self._chunks: Iterator[str] = (chunk.decode() for chunk in self.answer.response)
        assert next(self._chunks) == ": welcome\n\n"

    def next(self) -> tuple[str, str]:
        """The next event that says something, with its data."""
        for chunk in self._chunks:
            name, _, rest = chunk.partition("\n")
            if name.startswith("event: "):
                return name.removeprefix("event: "), rest.replace("data: ", "").strip()
        return "end", ""

    def next_calls(self) -> list[str]:
        name, rows = self.next()
        assert name == "rows"
        return re.findall(r'<tr id="call-([^"]+)"', rows)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for longer than a test needs."""
    monkeypatch.setattr(live_feed, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(live, "CHECK_EVERY_S", 0.2)


@pytest.fixture
def stream(signed_in: Any) -> Iterator[Callable[..., Events]]:
    """Opens streams of one member of staff."""
    opened: list[Events] = []

    def open_stream(query: str = "") -> Events:
        opened.append(Events(signed_in, query))
        return opened[-1]

    yield open_stream
    for one in opened:
        one.answer.close()


@pytest.fixture
def begin(record: Record) -> Record:
    """Puts a call on record that begins now, or `age` ago."""

    def put(age: timedelta = timedelta(0), **changes: Any) -> str:
        started_at = utc_now() - age
        values = {"status": PROCESSING, "duration_ms": None, "completed_at": None, **changes}
        return record(correlation_id=new_id_at(started_at), started_at=started_at, **values)

    return put


def end(container: Container, call: str, status: TransactionStatus = FAILED) -> None:
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.correlation_id == uuid.UUID(call))
            .values(status=status)
        )


def test_call_is_told_of_when_it_begins_and_when_it_ends(
    stream: Callable[..., Events], begin: Record, container: Container
) -> None:
    events = stream()

    call = begin()
    assert events.next_calls() == [call]
    end(container, call)
    name, row = events.next()

    assert name == "rows"
    assert call in row
    assert "failed" in row


def test_end_of_a_call_that_began_long_ago_is_told(
    stream: Callable[..., Events], begin: Record, container: Container
) -> None:
    call = begin(age=20 * MINUTE)
    events = stream()
    young = begin()
    assert events.next_calls() == [young]  # the long one was seen to be open by now

    end(container, call)

    assert events.next_calls() == [call]


def test_only_what_meets_the_filters_is_told_and_what_leaves_them_goes(
    stream: Callable[..., Events], begin: Record, container: Container
) -> None:
    events = stream("?channel=Visits&status=processing")
    begin()
    begin(channel_name="Visits", status=FAILED)
    meant = begin(channel_name="Visits")

    assert events.next_calls() == [meant]
    end(container, meant)

    assert events.next() == ("gone", meant)


def test_all_viewers_of_a_process_are_told(stream: Callable[..., Events], begin: Record) -> None:
    streams = [stream(), stream(), stream("?client=clinic")]

    call = begin()

    assert [one.next_calls() for one in streams] == [[call]] * 3


@pytest.mark.parametrize(
    "change",
    [
        {"role": "viewer"},
        {"role": "admin"},
        {"is_active": False},
        {"password": "four unrelated walnut words"},
    ],
)
def test_stream_is_over_when_its_session_is_or_its_role_changes(
    stream: Callable[..., Events], api: Any, member: dict[str, Any], change: dict[str, Any]
) -> None:
    events = stream()

    assert api.patch(f"staff/{member['id']}/", change).status_code == 200

    assert events.next() == ("over", "")
    assert events.next() == ("end", "")


def test_stream_is_over_after_signing_out(stream: Callable[..., Events], signed_in: Any) -> None:
    events = stream()

    signed_in.sign_out(csrf_token=signed_in.claims["csrf"])

    assert events.next() == ("over", "")


def test_stream_does_not_renew_the_session(signed_in: Any, stream: Callable[..., Events]) -> None:
    assert "Set-Cookie" not in stream().answer.headers


def test_stream_ends_when_its_process_stops(
    stream: Callable[..., Events], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = stream()

    monkeypatch.setattr(draining, "has_begun", True)

    assert events.next() == ("end", "")


def test_viewers_are_bounded_and_who_leaves_makes_room(
    signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "MAX_VIEWERS", 1)
    first = Events(signed_in)

    assert signed_in.get(STREAM).status_code == 429
    first.answer.close()

    Events(signed_in).answer.close()


def test_stranger_and_unreadable_filter_get_no_stream(browser: Any, signed_in: Any) -> None:
    assert signed_in.get(f"{STREAM}?status=odd").status_code == 422
    signed_in.session = "x.y.z"
    assert browser.get(STREAM).status_code == 303


def test_list_is_live_on_its_first_page_only(signed_in: Any, record: Record) -> None:
    record()
    address = "/admin/mediator/transactions/"

    assert (
        f'data-stream="{STREAM}?channel=Patients"'
        in signed_in.get(f"{address}?channel=Patients").text
    )
    cursor = "MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw"
    assert "data-stream" not in signed_in.get(f"{address}?cursor={cursor}").text


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
YOUNGEST = lowest_id_at(NOON)
A, B, C = (lowest_id_at(NOON + timedelta(seconds=n)) for n in range(1, 4))
OLD = lowest_id_at(NOON - MINUTE)


@pytest.mark.parametrize(
    ("shown", "young", "older", "changed", "reported", "gone"),
    [
        ({}, {B: PROCESSING, A: FAILED}, {}, set(), [B, A], set()),
        ({A: PROCESSING}, {A: PROCESSING}, {}, set(), None, None),
        ({A: PROCESSING}, {B: PROCESSING, A: FAILED}, {}, set(), [B, A], set()),
        ({A: PROCESSING}, {}, {}, set(), [], {A}),
        ({OLD: PROCESSING}, {}, {}, set(), None, None),  # it only grew old
        ({}, {}, {OLD: FAILED}, {OLD}, [OLD], set()),
        ({}, {}, {}, {OLD}, [], {OLD}),
        # As many as are told of at most: what is older is not known to be gone.
        ({A: FAILED, B: FAILED}, {C: FAILED, B: FAILED}, {}, set(), [C], set()),
    ],
)
def test_change_is_what_differs_from_what_was_told(
    monkeypatch: pytest.MonkeyPatch,
    shown: Any,
    young: Any,
    older: Any,
    changed: Any,
    reported: Any,
    gone: Any,
) -> None:
    monkeypatch.setattr(live_feed, "CALLS_PER_LOOK", 2)

    def calls(of: dict[uuid.UUID, TransactionStatus]) -> list[Transaction]:
        return [Transaction(correlation_id=one, status=status) for one, status in of.items()]

    change = Feed(shown=shown).change(calls(young), calls(older), YOUNGEST, changed)

    if reported is None:
        assert change is None
    else:
        assert change is not None
        assert [call.correlation_id for call in change.calls] == reported
        assert set(change.gone) == gone
