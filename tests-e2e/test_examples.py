""" "Try it out" works as it stands: every example of the OpenAPI documents is sent to the
demonstration, through nginx, and answered with a success that is documented."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from merged_document import committed
from waiting import eventually

METHODS = ("get", "put", "post", "patch", "delete")
#: Examples that cannot succeed as they stand, with what they must be answered then, and why.
EXCEPTIONS = {
    "read_whole_answer": ({404}, "it can be fetched of asynchronous calls only"),
    "read_public_key": ({404}, "each installation makes keys of its own"),
    "decrypt": ({422}, "only this installation's key can encrypt for it"),
    "replay_dead_letter": ({404}, "a demonstration has no dead letters"),
    "drop_dead_letter": ({404}, "a demonstration has no dead letters"),
    "take_receipts": ({404}, "providers prove themselves with a secret"),
    "take_report": ({404}, "mail servers prove themselves with a secret"),
    "send_mail": ({403}, "services have that scope, and no clients"),
    "approve_campaign": ({403, 409}, "a second person approves what a dry run has shown"),
    "pause_campaign": ({409}, "the campaign is a draft"),
    "resume_campaign": ({409}, "the campaign is a draft"),
    **dict.fromkeys(
        ("pause_task", "resume_task", "cancel_task"), ({200, 409}, "it may have ended by then")
    ),
    "requeue_message": ({200, 409}, "the message may not have failed"),
    "cancel_message": ({200, 409}, "a worker may have sent it by then"),
    "OneMediator_delete": ({409}, "a channel of another example leads to it"),
    "Notification_post": ({409}, "the family's consent is there"),
    **dict.fromkeys(("read_alert", "acknowledge_alert"), ({404}, "nothing is wrong")),
    **dict.fromkeys(
        ("OneWebhook_get", "OneWebhook_patch", "renew_webhook_secret"),
        ({404}, "the demonstration has no webhook"),
    ),
}
#: What is kept for some days only has another id each time: the newest of a list is asked for.
LISTED = {
    "correlation_id": ("/api/proxy/transactions/", "correlation_id"),
    "task_id": ("/api/proxy/tasks/", "id"),
    "exchange_id": ("/api/esb/exchanges/", "id"),
    "outbox_id": ("/api/notification/outbox/", "id"),
    "message_id": ("/api/notification/inbox/17/", "id"),
}
#: In this order before all else, and after it: what ends, or takes away, what others ask for.
FIRST = ("make_call", "relay", "emit_event", "Tasks_post", "drop_secret")
LATE = (
    "Registrations_post",
    "cancel_task",
    "requeue_message",
    "cancel_message",
    "stop_campaign",
    "Notification_delete",
    "Sessions_delete",
    "OneRegistration_delete",
    "OneChannel_delete",
)


@dataclass(frozen=True)
class Example:
    """A request as the page would send it."""

    name: str
    method: str
    path: str
    places: dict[str, Any]
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any
    media_type: str | None
    successes: frozenset[int]
    security: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int, int]:
        """Reading before making before changing before deleting, but for what is named."""
        first = FIRST.index(self.name) if self.name in FIRST else len(FIRST)
        late = LATE.index(self.name) + 1 if self.name in LATE else 0
        is_deletion = self.method == "delete" and not late
        return first, late or is_deletion * 100, METHODS.index(self.method)


def _examples(document: dict[str, Any]) -> Iterator[Example]:
    for path, members in document["paths"].items():
        for method in METHODS:
            if method in members:
                operation = members[method]
                parameters = [*members.get("parameters", []), *operation.get("parameters", [])]
                yield from _of_operation(path, method, operation, parameters)


def _of_operation(
    path: str, method: str, operation: dict[str, Any], parameters: list[dict[str, Any]]
) -> Iterator[Example]:
    values: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for one in parameters:
        values[one["in"]][one["name"]] = one.get("example", one["schema"].get("example"))
    bodies = operation.get("requestBody", {}).get("content") or {None: {}}
    responses = operation["responses"]
    successes = {int(code) for code in responses if code[0] in "23"} or {200}
    for media_type, content in bodies.items():
        yield Example(
            operation["operationId"],
            method,
            path,
            values["path"],
            values["query"],
            {name: str(value) for name, value in values["header"].items()},
            content.get("example"),
            media_type,
            frozenset(successes),
            tuple(name for one in operation.get("security", []) for name in one),
        )


def _sent(hub: Any, example: Example) -> Any:
    headers = {**example.headers}
    if "client_credentials" in example.security:
        headers["Authorization"] = f"Bearer {hub.token}"
    given = {name: _spelled(value) for name, value in example.query.items() if value != ""}
    body: dict[str, Any] = {}
    if example.media_type == "application/json":
        body = {"json": example.body}
    elif example.media_type:
        headers["Content-Type"] = example.media_type
        body = {"data": example.body}
    if example.name == "fetch_token":
        body["auth"] = tuple(hub.credentials.values())
    places = {name: quote(str(_place(hub, name, value))) for name, value in example.places.items()}
    path = example.path.format(**places)
    return hub.call(example.method.upper(), path, headers=headers, params=given, **body)


def _place(hub: Any, name: str, example: Any) -> Any:
    """What stands in the path: the example, or the newest of a list."""
    if name not in LISTED:
        return example
    path, member = LISTED[name]
    headers = {"Authorization": f"Bearer {hub.token}"}
    found = eventually(lambda: hub.call("GET", path, headers=headers).json()["data"])
    return found[0][member]


def _spelled(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@pytest.mark.parametrize("hub", ["embedded"], indirect=True)
@pytest.mark.parametrize("service", list(committed()))
def test_every_example_is_answered_as_documented(hub, service):
    wrong = []
    for example in sorted(_examples(committed()[service]), key=lambda one: one.order):
        answer = _sent(hub, example)
        wanted = EXCEPTIONS[example.name][0] if example.name in EXCEPTIONS else example.successes
        if answer.status_code not in wanted:
            shown = f"{example.method.upper()} {example.path} {example.query}"
            wrong.append(f"{example.name}: {shown} {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(["", *wrong])
