"""The notification examples of the Django mediator, sent through nginx as its clients send them."""

import random
from typing import Any

import pytest
from hub import Hub, unique

RULE = {"recipient_policy": "TEACHER", "channels": ["IN_APP", "EMAIL"], "priority": "HIGH"}


@pytest.fixture
def ask(hub: Hub) -> Any:
    """Asks with the client's id and secret: the mediator knew no tokens."""

    def asked(method: str, path: str, status: int = 200, json: Any = None) -> Any:
        answer = hub.call(method, f"/api/notification/{path}", json=json)
        assert answer.status_code == status, answer.text[:1_000]
        return answer.json()

    return asked


@pytest.fixture
def event(ask: Any) -> str:
    """An institution's own module and event, with its rule and its words."""
    code = unique("EXAM").upper().replace("-", "_")
    assert (
        ask("POST", "lookups/modules/", 201, {"code": f"M_{code}"})["data"]["name"] == f"M_{code}"
    )
    assert ask("POST", "events/", 201, {"code": code, "module": f"M_{code}"})["ok"] is True
    ask("POST", "rules/", 201, {"event_code": code, **RULE})
    words = {"event_code": code, "channel": "IN_APP", "language": "en", "subject": "Result"}
    ask("POST", "templates/", 201, {**words, "body": "Dear {name}, you have passed"})
    return code


def test_a_client_of_the_mediator_emits_and_reads(ask: Any, event: str, eventually: Any) -> None:
    person = random.randrange(10**6, 10**9)
    assert "TEACHER" in [one["code"] for one in ask("GET", "lookups/")["data"]["actor_types"]]
    known = ask("GET", f"preferences/TEACHER/{person}/")
    assert (known["ok"], known["data"]["allow_email"]) == (True, True)
    changed = ask("POST", f"preferences/TEACHER/{person}/", 201, {"allow_email": False})
    assert changed["data"]["allow_email"] is False

    emitted = ask(
        "POST",
        "emit/",
        201,
        {
            "event_code": event,
            "context": {"name": "Asha"},
            "recipients": [{"user_id": person, "actor_type": "TEACHER", "to_email": "a@b.example"}],
            "entity_type": "exam",
            "entity_id": 77,
            "max_attempts": "3",
            "sent_by": "the school's register",
        },
    )
    assert {name: emitted[name] for name in ("ok", "event_code", "disposition", "reason")} == {
        "ok": True,
        "event_code": event,
        "disposition": "queued",
        "reason": "",
    }
    (skipped,) = emitted["skipped"]
    assert (skipped["recipient_user_id"], skipped["reason"]) == (
        *(str(person), "Blocked by user preference"),
    )

    (message_id,) = emitted["queued_outbox_ids"]
    (attempt,) = eventually(lambda: ask("GET", f"outbox/{message_id}/delivery-logs/")["data"])
    assert attempt["status_code"] == "DELIVERED"
    message = ask("GET", f"outbox/{message_id}/")["data"]
    assert (message["status"], message["entity_id"], message["last_error"]) == (
        *("DELIVERED", "77", ""),
    )
    assert message["updated_at"] > message["created_at"]
    (unread,) = ask("GET", f"inbox/{person}/?unread=TRUE")["data"]
    assert unread["body"] == "Dear Asha, you have passed"
    assert ask("POST", f"inbox/{unread['id']}/read/")["data"]["is_read"] is True
    assert ask("GET", f"inbox/{person}/?unread=1")["data"] == []


def test_what_the_mediator_does_not_have_is_named(ask: Any, hub: Hub) -> None:
    missing = ask("GET", "outbox/999999/delivery-logs/", 404)
    assert (missing["error"], missing["outbox_id"]) == ("Outbox not found", "999999")
    missing = ask("POST", "inbox/999999/read/", 404)
    assert (missing["error"], missing["message_id"]) == ("Message not found", "999999")
    assert ask("POST", "emit/", 404, {"event_code": "NOBODY", "recipients": []})["ok"] is False
    wrong = hub.call("GET", "/api/notification/lookups/", headers={"X-Client-Secret": "wrong"})
    assert (wrong.status_code, wrong.json()["ok"]) == (403, False)
