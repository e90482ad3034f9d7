"""The API against its own OpenAPI document: every answer is one that it describes."""

from typing import Any

import pytest
from api_fuzz import fuzz, operations
from flask import Flask
from notification.models import ChannelCode
from one_database import on_one_database
from schemathesis import Case, GenerationMode


@pytest.fixture
def known(client: Any) -> dict[str, Any]:
    """Ids, codes and values that mean something, by the name of their parameter."""
    rule = client.rule(*ChannelCode)
    templates = [client.template(one, "Habari {name}", subject="Leseni") for one in ChannelCode]
    client.prefers("anna", preferred_lang="sw")
    message = client.emit("anna", context={"name": "Anna"})["queued_outbox_ids"][0]
    in_app = client.in_app("anna")
    return {
        "code": "LICENCE_ISSUED",
        "event_code": "LICENCE_ISSUED",
        "module": "LICENCE",
        "rule_id": str(rule),
        "template_id": str(templates[0]),
        "outbox_id": message,
        "message_id": str(in_app),
        "actor_type_code": "TEACHER",
        "recipient_policy": "TEACHER",
        "priority": "HIGH",
        "user_id": "anna",
        "context_schema": {"type": "object"},
        "time_zone": "Africa/Dar_es_Salaam",
        "send_at": "2026-01-01T00:00:00Z",
    }


def mean(case: Case, known: dict[str, Any]) -> None:
    """Let a case mean records that exist, so that it gets past the first questions."""
    for place in ("path_parameters", "query", "body"):
        values = getattr(case, place)
        if isinstance(values, dict):
            values.update((name, known[name]) for name in values.keys() & known.keys())
    if case.query:
        case.query.pop("cursor", None)


@on_one_database()
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_documented(
    app: Flask, api: Any, known: dict[str, Any], mode: GenerationMode, subtests: Any
) -> None:
    def mean_known(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            mean(case, known)

    headers = {"Authorization": f"Bearer {api.token}"}
    for operation in operations(app, "/api/docs/notification/openapi.json"):
        with subtests.test(operation.label):
            fuzz(operation, mode, headers, mean_known)
