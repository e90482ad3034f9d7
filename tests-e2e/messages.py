"""Events for the notification service, through nginx."""

from typing import Any

from hub import Hub, unique


def emit(hub: Hub, event_code: str, context: dict[str, str]) -> list[str]:
    """Tell the teacher `u1` of an event; the ids of the messages that were queued."""
    recipient = {"user_id": "u1", "actor_type": "TEACHER"}
    answer = hub.session.post(
        f"{hub.url}/api/notification/emit/",
        headers={"Authorization": f"Bearer {hub.token}"},
        json={"event_code": event_code, "context": context, "recipients": [recipient]},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    queued: list[str] = answer.json()["queued_outbox_ids"]
    return queued


def tried_out_campaign(hub: Hub) -> str:
    """A draft for 20 people, slow enough to be met while it runs; its id."""
    context = {"name": "Asha", "place": "Dodoma", "date": "1 June"}
    draft = {"event_code": "DEMO_APPOINTMENT", "channel": "SMS", "rate": 1, "context": context}
    at = f"campaigns/{_asked(hub, 'campaigns/', {'name': unique('campaign'), **draft})['id']}"
    people = [
        {"user_id": unique("person"), "actor_type": "FAMILY", "to_phone": f"07120001{number:02d}"}
        for number in range(20)
    ]
    _asked(hub, f"{at}/recipients/", {"recipients": people})
    _asked(hub, f"{at}/dry-run/", {})
    return at.partition("/")[2]


def _asked(hub: Hub, path: str, given: dict[str, Any]) -> Any:
    answer = hub.session.post(
        f"{hub.url}/api/notification/{path}",
        headers={"Authorization": f"Bearer {hub.token}"},
        json=given,
        timeout=60,
    )
    assert answer.ok, answer.text
    found = answer.json()
    return found.get("data", found)
