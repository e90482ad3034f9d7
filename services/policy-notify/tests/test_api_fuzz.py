"""The API against its own OpenAPI document: every answer is one that it describes."""

from typing import Any

import pytest
from api_fuzz import fuzz, operations
from flask import Flask
from one_database import on_one_database
from policy_notify.models import NotificationType
from schemathesis import Case, GenerationMode


@pytest.fixture
def known(api: Any, scheme: Any) -> dict[str, str]:
    """Ids that name something, by the name of their parameter."""
    family = scheme.family(approval=None)
    return {
        "family": str(family),
        "policy": str(scheme.due(family, NotificationType.EXPIRATION)),
        "run_id": api.post("runs/", {}).get_json()["id"],
        "regionUuid": str(scheme.region),
        "districtUuid": str(scheme.district),
        "officerUuid": str(scheme.officer),
        "mutation_class": "UpdateFamilyMutation",
    }


def mean(case: Case, known: dict[str, str]) -> None:
    """Let a case mean records that exist, so that it gets past the first questions."""
    for place in ("path_parameters", "query", "body"):
        values = getattr(case, place)
        if isinstance(values, dict):
            values.update((name, known[name]) for name in values.keys() & known.keys())
    if case.query:
        case.query.pop("cursor", None)
    if "/communication_by_notification_report/" in case.path and case.query is not None:
        case.query["regionUuid"] = known["regionUuid"]


@on_one_database()
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_documented(
    app: Flask, api: Any, known: dict[str, str], mode: GenerationMode, subtests: Any
) -> None:
    def mean_known(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            mean(case, known)

    headers = {"Authorization": f"Bearer {api.token}"}
    for operation in operations(app, "/api/docs/policy-notify/openapi.json"):
        with subtests.test(operation.label):
            fuzz(operation, mode, headers, mean_known)
