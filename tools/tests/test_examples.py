"""Every operation of the OpenAPI documents has what "Try it out" needs: words, examples, errors."""

from collections.abc import Iterator
from typing import Any

import pytest
from merged_document import committed

DOCUMENTS = committed()
METHODS = ("get", "post", "put", "patch", "delete")
#: Answered by whoever asks for a thing, whatever the operation; 429 is nginx's or the gateway's.
ALWAYS = {"404", "422", "503"}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, members in document["paths"].items():
        shared = members.get("parameters", [])
        for method in METHODS:
            if method in members:
                operation = members[method]
                parameters = [*shared, *operation.get("parameters", [])]
                yield f"{method.upper()} {path}", {**operation, "parameters": parameters}


def _has_example(holder: dict[str, Any]) -> bool:
    return any("example" in one or "examples" in one for one in (holder, holder.get("schema", {})))


def _lacks(operation: dict[str, Any]) -> Iterator[str]:
    """What an operation lacks, in words that say what to add."""
    for name in ("operationId", "summary", "description"):
        if not operation.get(name):
            yield name
    for one in operation["parameters"]:
        if not _has_example(one):
            yield f"an example of the {one['in']} parameter {one['name']}"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if not _has_example(content):
            yield f"an example of the body ({media_type})"
    yield from (f"the response {code}" for code in sorted(_codes(operation)))


def _codes(operation: dict[str, Any]) -> set[str]:
    """The statuses of errors that can come and are not documented."""
    can_come = set(ALWAYS)
    if any(scheme.get("client_credentials") for scheme in operation.get("security", [])):
        can_come |= {"401", "403", "429"}
    if operation.get("requestBody"):
        can_come |= {"400", "413", "415"}
    return can_come - set(operation["responses"])


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_operation_has_words_examples_and_errors(service):
    lacking = [
        f"{name}: {what}"
        for name, operation in _operations(DOCUMENTS[service])
        for what in _lacks(operation)
    ]
    assert lacking == [], "declare it where the field or the route stands (common.web.examples)"
