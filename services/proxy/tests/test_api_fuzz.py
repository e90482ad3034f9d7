"""The API against its own OpenAPI document: valid, and true of every answer it gives."""

from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

DOCUMENT = "/api/docs/proxy/openapi.json"
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
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


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
        "mediator_id": channel["mediator_id"],
        "urn": channel["mediator_urn"],
        "client_pk": client["id"],
        "secret_id": client["secrets"][0]["id"],
        "registration_id": registration["id"],
        "member_id": api.made("staff", **api.a_member(role="admin"))["id"],
    }


def mean(case: Case, known: dict[str, str], mode: GenerationMode) -> None:
    """Let a case mean records that exist, so that it gets past the first questions."""
    given = case.path_parameters or {}
    case.path_parameters = {name: known.get(name, value) for name, value in given.items()}
    if isinstance(case.body, dict) and mode is GenerationMode.POSITIVE:
        case.body.update((name, known[name]) for name in case.body.keys() & known.keys())
    if case.query:
        case.query.pop("cursor", None)


def fuzz(
    operation: Any, mode: GenerationMode, credentials: dict[str, str], known: dict[str, str]
) -> None:
    """Ask one operation for many things, every other time of records that exist."""
    exists = cycle((True, False))

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if next(exists) and operation.path.startswith("/api/"):
            mean(case, known, mode)
        case.call_and_validate(headers=credentials, checks=CHECKS)

    with suppress(Unsatisfiable):  # negative data for an operation that takes none
        ask()


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
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, app)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda one: one.method == "delete"):
        with subtests.test(operation.label):
            fuzz(operation, mode, credentials, known)


def test_document_is_valid(app: Flask) -> None:
    validate(app.test_client().get(DOCUMENT).get_json())
