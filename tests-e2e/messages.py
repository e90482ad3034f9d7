"""Events for the notification service, through nginx."""

from hub import Hub


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
