"""`outbox/process/`, the log of attempts, cancel and requeue."""

import uuid
from typing import Any

import pytest
from common.clock import utc_now
from notification.models import ChannelCode, MessageStatus
from notification.transports import Outcome

IN_APP = {"channel": ChannelCode.IN_APP}

#: Nobody has it. The same in every process that collects these tests.
UNKNOWN = "0190a000-0000-7000-8000-000000000000"


def test_process_sends_what_is_due(api: Any, store: Any) -> None:
    ids = store.queue(3, **IN_APP)
    answer = api.post("outbox/process/", {"limit": 2})
    assert answer.status_code == 200
    assert answer.json == {
        "ok": True,
        "processed_count": 2,
        "results": [
            {
                "outbox_id": str(id_),
                "channel": "IN_APP",
                "status": "DELIVERED",
                "result": "delivered",
                "error": None,
            }
            for id_ in ids[:2]
        ],
    }
    assert api.post("outbox/process/").json["processed_count"] == 1
    assert api.post("outbox/process/").json == {"ok": True, "processed_count": 0, "results": []}


@pytest.mark.parametrize(("limit", "processed"), [(0, 1), (-7, 1), (501, 500), (10**12, 500)])
def test_limit_is_brought_into_its_range(api: Any, store: Any, limit: int, processed: int) -> None:
    store.queue(502, **IN_APP)
    assert api.post("outbox/process/", {"limit": limit}).json["processed_count"] == processed


@pytest.mark.parametrize("limit", ["many", 1.5, None])
def test_limit_that_is_no_number_is_refused(api: Any, limit: Any) -> None:
    answer = api.post("outbox/process/", {"limit": limit})
    assert answer.status_code == 422
    assert "limit" in answer.json["errors"]


def test_log_is_listed_newest_first(api: Any, store: Any, outbox: Any, sms: Any) -> None:
    sms.answer = lambda _message: sms.refused(Outcome.REFUSED_FOR_NOW)
    [id_] = store.queue()
    outbox.process(["SMS"], 1)
    store.change(id_, next_attempt_at=utc_now())
    sms.answer = lambda _message: sms.taken("m1")
    outbox.process(["SMS"], 1)
    page = api.get(f"outbox/{id_}/delivery-logs/").json
    assert page["count"] == 2
    assert [(one["attempt_no"], one["status"]) for one in page["data"]] == [
        (2, "sent"),
        (1, "failed_temporary"),
    ]
    assert page["data"][0]["provider_message_id"] == "m1"
    assert page["data"][1]["error_message"] == "refused"
    first = api.get(f"outbox/{id_}/delivery-logs/", limit=1).json
    rest = api.get(f"outbox/{id_}/delivery-logs/", cursor=first["next_cursor"]).json
    assert [one["attempt_no"] for one in rest["data"]] == [1]


@pytest.mark.parametrize(
    ("status", "is_final", "cancelled"),
    [
        (MessageStatus.QUEUED, False, True),
        (MessageStatus.FAILED, False, True),
        (MessageStatus.FAILED, True, True),
        (MessageStatus.UNKNOWN, True, True),
        (MessageStatus.UNKNOWN, False, False),
        (MessageStatus.SENDING, False, False),
        (MessageStatus.SENT, False, False),
        (MessageStatus.DELIVERED, True, False),
        (MessageStatus.CANCELLED, True, False),
    ],
)
def test_only_messages_that_wait_or_are_held_are_cancelled(
    api: Any, store: Any, status: Any, is_final: bool, cancelled: bool
) -> None:
    [id_] = store.queue(status=status, is_final=is_final, attempt_count=1)
    answer = api.post(f"outbox/{id_}/cancel/")
    if cancelled:
        assert answer.status_code == 200
        assert answer.json["status"] == store.one(id_).status == "CANCELLED"
        [entry] = store.log(id_)
        assert (entry.status, entry.error_message) == ("cancelled", "Cancelled by tester")
    else:
        assert answer.status_code == 409
        assert store.one(id_).status == status
        assert store.log(id_) == []


def test_cancelled_message_is_not_sent(api: Any, store: Any, outbox: Any, sms: Any) -> None:
    [id_] = store.queue()
    api.post(f"outbox/{id_}/cancel/")
    assert outbox.process(["SMS"], 10) == []
    assert sms.sent == []


def test_requeued_message_has_fresh_attempts_and_its_log_says_who_wanted_it(
    api: Any, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda _message: sms.refused(Outcome.REFUSED_FOR_NOW)
    [id_] = store.queue(max_attempts=1)
    outbox.process(["SMS"], 1)
    answer = api.post(f"outbox/{id_}/requeue/")
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["attempt_count"]) == ("QUEUED", 0)
    sms.answer = lambda _message: sms.taken()
    assert [one.result for one in outbox.process(["SMS"], 1)] == ["sent"]
    log = [(entry.attempt_no, entry.status, entry.error_message) for entry in store.log(id_)]
    assert log == [
        (1, "failed_final", "refused"),
        (2, "requeued", "Requeued by tester; it was FAILED"),
        (3, "sent", None),
    ]


def test_message_can_be_stopped_and_sent_again_any_number_of_times(
    api: Any, store: Any, outbox: Any
) -> None:
    [id_] = store.queue()
    for _ in range(3):
        assert api.post(f"outbox/{id_}/cancel/").status_code == 200
        assert api.post(f"outbox/{id_}/requeue/").status_code == 200
    assert len(outbox.process(["SMS"], 1)) == 1
    assert [entry.attempt_no for entry in store.log(id_)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("status", ["QUEUED", "SENDING", "SENT", "DELIVERED"])
def test_other_messages_are_not_requeued(api: Any, store: Any, status: str) -> None:
    [id_] = store.queue(status=MessageStatus(status))
    answer = api.post(f"outbox/{id_}/requeue/")
    assert answer.status_code == 409
    assert status in answer.json["detail"]


def test_forgotten_message_is_not_requeued(api: Any, store: Any) -> None:
    [id_] = store.queue(status=MessageStatus.FAILED, is_final=True, body=None)
    answer = api.post(f"outbox/{id_}/requeue/")
    assert answer.status_code == 409
    assert "forgotten" in answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "delivery-logs/"), ("POST", "cancel/"), ("POST", "requeue/")],
)
def test_unknown_message_is_not_found(api: Any, method: str, path: str) -> None:
    assert api.ask(method, f"outbox/{uuid.uuid4()}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "outbox/process/", "notification:admin"),
        ("POST", f"outbox/{UNKNOWN}/cancel/", "notification:admin"),
        ("POST", f"outbox/{UNKNOWN}/requeue/", "notification:admin"),
        ("GET", f"outbox/{UNKNOWN}/delivery-logs/", "notification:read"),
    ],
)
def test_each_act_needs_its_scope(api_with: Any, method: str, path: str, scope: str) -> None:
    others = {"notification:emit", "notification:read", "notification:admin"} - {scope}
    assert api_with(" ".join(others)).ask(method, path).status_code == 403
    assert api_with(scope).ask(method, path).status_code in (200, 404)
