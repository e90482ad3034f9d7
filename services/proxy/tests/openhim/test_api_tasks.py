"""Rerun tasks in OpenHIM's words."""

import uuid
from typing import Any

import pytest


def there(call: str) -> str:
    return uuid.UUID(call).hex[:24]


def test_named_calls_become_a_task_that_is_listed(installer: Any, api: Any, record: Any) -> None:
    calls = [record(minute) for minute in range(3)]
    order = {"tids": [*map(there, calls), there(calls[0])], "batchSize": 2, "paused": True}

    made = installer.ask("POST", "tasks", order)

    assert (made.status_code, made.text) == (201, "")
    [listed] = installer.ask("GET", "tasks").get_json()
    [task] = api.get("tasks/").get_json()["data"]
    assert (task["batch_size"], task["waiting"], task["made_by"]) == (2, 3, "installer")
    assert task["filter"] is None
    assert listed == {
        "_id": there(task["id"]),
        "status": "Paused",
        "batchSize": 2,
        "totalTransactions": 3,
        "remainingTransactions": 3,
        "user": "installer",
        "created": task["created_at"],
        "completedDate": None,
    }


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"batchSize": 0}, 400),
        ({"batchSize": 501}, 400),
        ({"batchSize": True}, 400),
        ({"batchSize": "2"}, 400),
        ({"tids": []}, 400),
        ({"tids": "all"}, 400),
        ({"tids": ["0" * 24]}, 404),
        ({"tids": ["nonsense"]}, 404),
    ],
)
def test_order_that_is_none_is_refused(
    installer: Any, record: Any, changes: dict[str, Any], status: int
) -> None:
    order = {"tids": [there(record(1))], "batchSize": 1, **changes}

    assert installer.ask("POST", "tasks", order).status_code == status
    assert installer.ask("GET", "tasks").get_json() == []


def test_machine_account_makes_no_task(machine: Any, record: Any) -> None:
    assert machine.ask("POST", "tasks", {"tids": [there(record(1))]}).status_code == 403
    assert machine.ask("GET", "tasks").status_code == 403
