"""The API against its own OpenAPI document: every answer is one that it describes."""

from typing import Any

import pytest
from api_fuzz import fuzz, operations
from flask import Flask
from one_database import on_one_database
from schemathesis import Case, GenerationMode


@pytest.fixture
def client(api: Any) -> dict[str, Any]:
    """Whose credentials open the addresses of API clients."""
    made: dict[str, Any] = api.made("clients", **api.a_client(client_id="caller"))
    return made


@pytest.fixture
def known(api: Any, channel: dict[str, Any]) -> dict[str, str]:
    """Ids that name something, by the name of their parameter."""
    client = api.made("clients", **api.a_client())
    registration = api.made("registrations", organization="NHIF", api_code="A")
    return {
        "channel_id": channel["id"],
        "number": "1",
        "mediator_id": channel["mediator_id"],
        "urn": channel["mediator_urn"],
        "client_pk": client["id"],
        "secret_id": client["secrets"][0]["id"],
        "registration_id": registration["id"],
        "task_id": api.made("tasks", filter={"status": "failed"})["id"],
        "member_id": api.made("staff", **api.a_member(role="admin"))["id"],
    }


def mean(case: Case, known: dict[str, str], mode: GenerationMode) -> None:
    """Let a case mean records that exist, so that it gets past the first questions."""
    if not case.path.startswith("/api/"):
        return
    given = case.path_parameters or {}
    case.path_parameters = {name: known.get(name, value) for name, value in given.items()}
    if isinstance(case.body, dict) and mode is GenerationMode.POSITIVE:
        case.body.update((name, known[name]) for name in case.body.keys() & known.keys())
    if case.query:
        case.query.pop("cursor", None)


@on_one_database()
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_documented(
    app: Flask,
    api: Any,
    client: dict[str, Any],
    known: dict[str, str],
    mode: GenerationMode,
    subtests: Any,
) -> None:
    credentials = {
        "Authorization": f"Bearer {api.token}",
        "X-Client-Id": client["client_id"],
        "X-Client-Secret": client["client_secret"],
    }
    for operation in operations(app, "/api/docs/proxy/openapi.json"):
        with subtests.test(operation.label):
            fuzz(operation, mode, credentials, lambda case: mean(case, known, mode))
