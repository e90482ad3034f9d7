"""Calls made again over the API: what a worker finds, and what cannot be repeated."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id
from proxy.container import Container
from proxy.models import AsyncCall, StoredRequest, Transaction, TransactionStatus
from proxy.record.sealing import RequestCopy
from sqlalchemy import func, select, update

Record = Callable[..., str]


@pytest.fixture
def record(container: Container, channel: dict[str, Any]) -> Record:
    """Puts a failed call of `channel` on record, with `stored` its whole request too."""

    def put(stored: bytes | None = None, **changes: Any) -> str:
        correlation_id = new_id()
        values: dict[str, Any] = {
            "channel_name": channel["name"],
            "client_name": "clinic",
            "client_address": "192.0.2.7",
            "status": TransactionStatus.FAILED,
            "request_method": "POST",
            "request_url": "/patients/%31?full=1",
            "request_headers": {
                "Host": "hub",
                "Authorization": "***",
                "Content-Type": "application/json",
                "X-Client-Id": "clinic",
                "X-Api-Key": "***",
            },
            "request_body": '{"é": 1}',
            "request_body_whole": True,
            "started_at": utc_now(),
            **changes,
        }
        with container.database.writing() as session:
            session.add(Transaction(correlation_id=correlation_id, **values))
            session.flush()
            if stored is not None:
                headers = [("X-Kept", "a"), ("Idempotency-Key", "k-1")]
                copy = RequestCopy("/patients/%31", "", headers, stored)
                session.add(StoredRequest(**container.sealer.row(correlation_id, copy)))
        return str(correlation_id)

    return put


def work_of(
    container: Container, correlation_id: str
) -> tuple[Transaction, RequestCopy, AsyncCall]:
    key = uuid.UUID(correlation_id)
    with container.database.reading() as session:
        return (
            session.get_one(Transaction, key),
            container.sealer.open(session.get_one(StoredRequest, key)),
            session.get_one(AsyncCall, key),
        )


def rejection(api: Any, parent: str) -> str:
    answer = api.post(f"transactions/{parent}/rerun/")
    assert answer.status_code == 409
    reason: str = answer.get_json()["detail"]
    return reason


def test_rerun_is_a_new_pending_call_that_points_at_its_parent(
    api: Any, container: Container, record: Record, channel: dict[str, Any]
) -> None:
    parent = record()

    answer = api.post(f"transactions/{parent}/rerun/")

    assert answer.status_code == 202
    made = answer.get_json()
    assert made["parent_id"] == parent
    assert answer.headers["Location"] == f"/api/proxy/transactions/{made['correlation_id']}/"
    transaction, stored, work = work_of(container, made["correlation_id"])
    assert (transaction.status, str(transaction.parent_id)) == (TransactionStatus.PENDING, parent)
    assert (transaction.client_name, transaction.channel_name) == ("clinic", channel["name"])
    assert (stored.raw_path, stored.raw_query) == ("/patients/%31", "full=1")
    assert stored.body == '{"é": 1}'.encode()
    assert stored.headers == [("Content-Type", "application/json")]
    assert (str(work.channel_id), work.attempt_count, work.sent_at) == (channel["id"], 0, None)
    assert work.next_attempt_at <= utc_now()


def test_stored_request_is_repeated_to_the_byte(
    api: Any, container: Container, record: Record
) -> None:
    parent = record(stored=b"\x00\xff", request_body="<binary 2 bytes>", request_body_whole=False)

    made = api.post(f"transactions/{parent}/rerun/").get_json()

    _, stored, work = work_of(container, made["correlation_id"])
    assert (stored.body, stored.headers[0]) == (b"\x00\xff", ("X-Kept", "a"))
    assert work.has_idempotency_key is True


def test_recorded_base_url_is_not_part_of_the_path(
    api: Any, container: Container, record: Record
) -> None:
    parent = record(request_url="http://hub:8080//patients/1?x=a://b/c")

    made = api.post(f"transactions/{parent}/rerun/").get_json()

    _, stored, _ = work_of(container, made["correlation_id"])
    assert (stored.raw_path, stored.raw_query) == ("//patients/1", "x=a://b/c")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_body_whole": False}, "keep_whole_bodies"),
        ({"status": TransactionStatus.PROCESSING}, "not ended"),
        ({"status": TransactionStatus.PENDING}, "not ended"),
        ({"channel_name": "Closed"}, "Closed no longer exists"),
        ({"request_url": "/patients/1?token=***"}, "held a secret"),
    ],
)
def test_rerun_is_refused_with_the_reason(
    api: Any, record: Record, changes: dict[str, Any], reason: str
) -> None:
    assert reason in rejection(api, record(**changes))


def test_rerun_obeys_the_channels_rules_of_today(
    api: Any, record: Record, channel: dict[str, Any]
) -> None:
    parent = record()
    path = f"channels/{channel['id']}/"

    api.patch(path, {"request_body_schema": {"required": ["id"]}})
    assert "required property" in rejection(api, parent)
    api.patch(path, {"is_active": False})
    assert "not active" in rejection(api, parent)


def test_rerun_for_the_bus_uses_the_registration_of_today(
    api: Any, container: Container, record: Record, channel: dict[str, Any]
) -> None:
    codes = {"organization": "NHIF", "api_code": "A1", "channel_id": channel["id"]}
    registration = api.made("registrations", **codes)
    parent = record(organization="NHIF")
    api.patch(f"registrations/{registration['id']}/", {"api_code": "A2"})

    made = api.post(f"transactions/{parent}/rerun/").get_json()

    transaction, _, work = work_of(container, made["correlation_id"])
    assert transaction.organization == "NHIF"
    assert work.esb == {"mode": "normal", "code": "A2", "organization": "NHIF"}
    api.delete(f"registrations/{registration['id']}/")
    api.made("registrations", **{**codes, "organization": "Other"})
    assert "No external system registration" in rejection(api, parent)


def test_unknown_call_cannot_be_repeated(api: Any) -> None:
    assert api.post(f"transactions/{new_id()}/rerun/").status_code == 404


def test_rerun_by_filter_tells_what_was_made_and_what_not(
    api: Any, container: Container, record: Record
) -> None:
    good = sorted(record() for _ in range(3))
    bad = record(request_body_whole=False)
    record(status=TransactionStatus.SUCCESSFUL)

    answer = api.post("transactions/rerun/", {"status": "failed"})

    assert answer.status_code == 202
    made = answer.get_json()
    assert (made["count"], made["more"]) == (3, False)
    assert [one["parent_id"] for one in made["data"]] == good[::-1]
    assert [one["correlation_id"] for one in made["refused"]] == [bad]
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AsyncCall)) == 3


def test_rerun_by_filter_leaves_out_what_was_repeated_and_every_repetition(
    api: Any, container: Container, record: Record
) -> None:
    call = record()
    first = api.post("transactions/rerun/", {"status": "failed"}).get_json()
    with container.database.writing() as session:
        session.execute(update(Transaction).values(status=TransactionStatus.FAILED))

    second = api.post("transactions/rerun/", {"status": "failed"}).get_json()
    third = api.post("transactions/rerun/", {"status": "failed", "include_repeated": True})

    assert [(one["count"], one["left_out"]) for one in (first, second)] == [(1, 0), (0, 1)]
    assert [one["parent_id"] for one in third.get_json()["data"]] == [call]


def test_rerun_by_filter_stops_at_its_limit_and_says_that_there_are_more(
    api: Any, record: Record
) -> None:
    calls = sorted(record() for _ in range(60))

    made = api.post("transactions/rerun/", {"status": "failed", "limit": 55}).get_json()

    assert (made["count"], made["more"]) == (55, True)
    assert [one["parent_id"] for one in made["data"]] == calls[:-56:-1]


@pytest.mark.parametrize(
    "body", [{}, {"limit": 5}, {"limit": 1001, "status": "failed"}, True, 5, "failed", ["status"]]
)
def test_rerun_of_everything_or_too_much_is_refused(api: Any, body: Any) -> None:
    assert api.post("transactions/rerun/", body).status_code == 422
