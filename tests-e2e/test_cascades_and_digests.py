"""Channels one after the other, and what is too much told at once: through nginx, by workers."""

import uuid
from typing import Any

import pytest
from hub import Hub

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)

PERSON = {"actor_type": "TEACHER", "to_phone": "0712345678", "to_email": "asha@example.org"}


class Catalogue:
    """An event of this test's own, told by one rule."""

    def __init__(self, hub: Hub, event: dict[str, Any], rule: dict[str, Any], body: str) -> None:
        self.hub = hub
        self.code = f"EVENT_{uuid.uuid4().hex[:10].upper()}"
        self.call("POST", "events/", {"code": self.code, "module": "LICENCE", **event})
        self.call("POST", "rules/", {"event_code": self.code, "recipient_policy": "ALL", **rule})
        for channel in rule["channels"]:
            words = {"channel": channel, "language": "en", "body": body}
            self.call("POST", "templates/", {"event_code": self.code, **words})

    def call(self, method: str, path: str, given: Any = None, **query: Any) -> Any:
        answer = self.hub.session.request(
            method,
            f"{self.hub.url}/api/notification/{path}",
            headers={"Authorization": f"Bearer {self.hub.token}"},
            json=given,
            params=query,
            timeout=60,
        )
        assert answer.status_code < 300, answer.text[:1_000]
        return answer.json()

    def emit(self, user_id: str, **context: Any) -> list[str]:
        people = [{**PERSON, "user_id": user_id}]
        given = {"event_code": self.code, "recipients": people, "context": context}
        ids: list[str] = self.call("POST", "emit/", given)["queued_outbox_ids"]
        return ids

    def message(self, id_: str) -> Any:
        return self.call("GET", f"outbox/{id_}/")

    def inbox(self, user_id: str) -> list[str]:
        return [one["body"] for one in self.call("GET", f"inbox/{user_id}/")["data"]]


def test_the_next_channel_is_used_when_no_receipt_comes(hub: Hub, eventually: Any) -> None:
    rule = {"channels": ["SMS", "IN_APP"], "cascade_after_s": 1}
    catalogue = Catalogue(hub, {}, rule, "Your licence")
    user_id = f"person-{uuid.uuid4().hex[:10]}"
    sms, in_app = catalogue.emit(user_id)
    # The demonstration's SMS leave, into files, and no receipt ever comes.
    assert eventually(lambda: catalogue.inbox(user_id)) == ["Your licence"]
    places = catalogue.message(in_app)["cascade"]
    assert [(one["outbox_id"], one["status"]) for one in places] == [
        (sms, "SENT"),
        (in_app, "DELIVERED"),
    ]


def test_what_is_too_much_comes_as_one_digest(hub: Hub, eventually: Any) -> None:
    event = {"digest_after": 1, "digest_window_s": 15}
    catalogue = Catalogue(hub, event, {"channels": ["IN_APP"]}, "Licence {number}")
    user_id = f"person-{uuid.uuid4().hex[:10]}"
    ids = [id_ for number in range(1, 5) for id_ in catalogue.emit(user_id, number=number)]
    assert eventually(lambda: len(catalogue.inbox(user_id)) >= 2, 60)
    assert catalogue.inbox(user_id) == [
        "- Licence 2\n- Licence 3\n- Licence 4",
        "Licence 1",
    ]
    statuses = [catalogue.message(id_)["status"] for id_ in ids]
    assert statuses == ["DELIVERED", "DIGESTED", "DIGESTED", "DIGESTED"]
