"""The API against its own OpenAPI document: every answer is one that it describes."""

from typing import Any

import pytest
from api_fuzz import fuzz, operations
from flask import Flask
from one_database import on_one_database
from schemathesis import Case, GenerationMode


@pytest.fixture
def known(api: Any, target: Any) -> dict[str, str]:
    """Ids that name something, by the name of their parameter."""
    route = api.route(target=target.url)
    return {
        "exchange_id": api.relay("1").get_json()["exchange_id"],
        "kid": api.ask("GET", "keys/").get_json()["data"][0]["kid"],
        "route": route["name"],
        "route_id": route["id"],
        "to": "own",
        "key": "own",
    }


@on_one_database()
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_documented(
    app: Flask, api: Any, known: dict[str, str], mode: GenerationMode, subtests: Any
) -> None:
    def mean(case: Case) -> None:
        """Let a case mean records that exist, so that it gets past the first questions."""
        for place in ("path_parameters", "query"):
            values = getattr(case, place)
            if isinstance(values, dict) and mode is GenerationMode.POSITIVE:
                values.update((name, known[name]) for name in values.keys() & known.keys())
        if case.query:
            case.query.pop("cursor", None)

    headers = {"Authorization": f"Bearer {api.token}"}
    for operation in operations(app, "/api/docs/esb-relay/openapi.json"):
        with subtests.test(operation.label):
            fuzz(operation, mode, headers, mean)
