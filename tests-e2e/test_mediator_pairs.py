"""Requests of the Django mediator's clients with the answers that it documents, replayed here:
status, members and their types. What is better here on purpose comes on top and is not asked for.
"""

from typing import Any

import pytest
from hub import Hub, unique

ID = "01a20447-5522-766b-946f-20a06aeb5d69"
#: A call's state as its clients parse it.
STATE = {
    "correlation_id": str,
    "status": str,
    "is_terminal": bool,
    "request_method": str,
    "request_url": str,
    "response_status_code": int,
    "response_headers": dict,
    "response_body": str,
    "error_message": str,
    "started_at": str,
    "completed_at": str,
}
REFUSED = {"ok": False, "error": str}
NOBODY = {"X-Client-Id": "", "X-Client-Secret": ""}
PERSON = "preferences/TEACHER/2001/"
OWN = "/api/notification"
PREFERENCE = {
    "user_id": str,
    "actor_type": str,
    "allow_sms": bool,
    "allow_email": bool,
    "allow_in_app": bool,
    "preferred_lang": str,
}
LOOKUPS = dict.fromkeys(
    ("modules", "channels", "statuses", "priorities", "actor_types"), list[dict[str, Any]]
)
EMISSION = {"event_code": "DEMO_APPOINTMENT", "context": {"name": "A", "place": "B", "date": "C"}}

#: Method, path ({base}: of a channel that takes POST), further options, status, shape.
PAIRS: list[tuple[str, str, dict[str, Any], int, Any]] = [
    ("GET", "/", {}, 200, {"service": str, "status": str, "endpoints": dict}),
    ("GET", "/health/", {}, 200, {"ok": True, "services": dict}),
    ("POST", "{base}", {"json": {}}, 200, {"ok": True}),
    ("POST", "{base}?sync=true", {"json": {"teacher_id": "T-1"}}, 200, {"ok": True}),
    ("POST", "{base}", {"json": {}, "headers": NOBODY}, 401, REFUSED),
    ("POST", "{base}", {"json": {}, "headers": {"X-Client-Secret": "x"}}, 403, REFUSED),
    ("POST", "/no/such/channel", {"json": {}}, 404, REFUSED),
    ("GET", "{base}", {}, 405, REFUSED),
    (
        *("POST", "{base}?async=true", {"json": {}}, 202),
        {
            "ok": True,
            "accepted": True,
            "correlation_id": str,
            "status_url": str,
            "message": str,
        },
    ),
    ("GET", f"/transactions/{ID}/", {}, 404, {**REFUSED, "correlation_id": ID}),
    ("GET", f"{OWN}/", {}, 200, {"ok": True}),
    ("GET", f"{OWN}/lookups/", {}, 200, {"ok": True, "data": LOOKUPS}),
    ("GET", f"{OWN}/{PERSON}", {}, 200, {"ok": True, "data": PREFERENCE}),
    (
        *("POST", f"{OWN}/{PERSON}", {"json": {"allow_sms": True}}, 201),
        {"ok": True, "data": PREFERENCE},
    ),
    ("GET", f"{OWN}/events/?active=TRUE", {}, 200, {"ok": True, "count": int, "data": list}),
    ("GET", f"{OWN}/outbox/?due=yes", {}, 200, {"ok": True, "count": int, "data": list}),
    ("GET", f"{OWN}/inbox/2001/?unread=1", {}, 200, {"ok": True, "count": int, "data": list}),
    ("GET", f"{OWN}/outbox/999999/delivery-logs/", {}, 404, REFUSED),
    ("POST", f"{OWN}/inbox/999999/read/", {}, 404, REFUSED),
    (
        *("POST", f"{OWN}/emit/"),
        {"json": {**EMISSION, "recipients": [{"user_id": 2001, "actor_type": "FAMILY"}]}},
        201,
        {
            "ok": True,
            "event_code": "DEMO_APPOINTMENT",
            "disposition": "queued",
            "reason": "",
            "queued_count": int,
            "queued_outbox_ids": list,
            "skipped": list,
        },
    ),
    ("POST", f"{OWN}/emit/", {"json": {"event_code": "NOBODY", "recipients": []}}, 404, REFUSED),
]
pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@pytest.fixture(scope="module")
def channel(hub: Hub, shared_mediator: Any) -> dict[str, Any]:
    """A channel that takes POST; its mediator answers `{"ok": true}`."""
    path = f"/{unique('pairs')}"
    return hub.new_channel(path, hub.new_mediator(shared_mediator.url)["id"], methods=["post"])


@pytest.fixture
def base(hub: Hub, channel: dict[str, Any], mediator: Any) -> str:
    """Its path, once every process knows it."""
    hub.in_force()
    path: str = channel["path_pattern"]
    return path


def differences(found: Any, expected: Any, at: str = "") -> list[str]:
    """What of an answer is not as it is documented."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{at or '/'} is {found!r}"]
        return [
            line
            for name, one in expected.items()
            for line in (
                differences(found[name], one, f"{at}/{name}")
                if name in found
                else [f"{at}/{name} is missing"]
            )
        ]
    if isinstance(expected, bool | str | int):
        return [] if found == expected else [f"{at} is {found!r}"]
    wanted = getattr(expected, "__origin__", expected)
    return [] if isinstance(found, wanted) else [f"{at} is {found!r}"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "shape"),
    PAIRS,
    ids=[f"{method} {path} {status}" for method, path, _, status, _ in PAIRS],
)
def test_a_recorded_pair(
    hub: Hub,
    base: str,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    shape: Any,
) -> None:
    answer = hub.call(method, path.format(base=base), **options)
    assert answer.status_code == status, answer.text[:500]
    assert differences(answer.json(), shape) == []


def test_the_state_of_a_call_has_the_members_and_types_that_clients_parse(
    hub: Hub, base: str, channel: dict[str, Any]
) -> None:
    accepted = hub.call("POST", f"{base}?async=true", json={"teacher_id": "T-1"}).json()
    ended = hub.call("GET", accepted["status_url"], headers={"Prefer": "wait=20"}).json()
    assert differences(ended, {"ok": True, "data": STATE}) == []
    given = {"channel_id": channel["id"], "path": base.strip("/"), "query": None}
    direct = hub.call("POST", "/integration/call", json=given)
    assert (direct.status_code, direct.json()) == (200, {"ok": True})
