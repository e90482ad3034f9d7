"""The API against its own OpenAPI document: valid, and true of every answer it gives."""

import json
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from policy_notify.models import NotificationType
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

DOCUMENT = "/api/docs/policy-notify/openapi.json"
WRITTEN = Path(__file__).parent.parent / "openapi.json"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.allow_header_conformance,
    checks.negative_data_rejection,
]
BOUNDED = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


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


def fuzz(operation: Any, mode: GenerationMode, token: str, known: dict[str, str]) -> None:
    """Ask one operation for many things, every other time of records that exist."""
    exists = cycle((True, False))

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if mode is GenerationMode.POSITIVE and next(exists):
            mean(case, known)
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    with suppress(Unsatisfiable):  # negative data for an operation that takes none
        ask()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_documented(
    app: Flask, api: Any, known: dict[str, str], mode: GenerationMode, subtests: Any
) -> None:
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in sorted(operations, key=lambda one: one.method == "delete"):
        with subtests.test(operation.label):
            fuzz(operation, mode, api.token, known)


def test_document_is_valid(app: Flask) -> None:
    validate(app.test_client().get(DOCUMENT).get_json())


def test_written_document_is_the_one_that_is_served(app: Flask) -> None:
    assert json.loads(WRITTEN.read_text()) == app.test_client().get(DOCUMENT).get_json()
