"""A service's API asked for many things: every answer must be one that its document describes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks, converter

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.allow_header_conformance,
    checks.negative_data_rejection,
]
# Schemathesis would write a length into the pattern beside it; each class of characters, repeated
# up to thousands of times, takes its regex engine a second to compile: most of the time of a run.
converter.update_pattern_in_schema = lambda schema: None
#: Cases of each operation; `make faults` asks for more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def operations(app: Flask, document: str) -> Iterator[Any]:
    """The operations in the document at this path; what deletes comes last."""
    schema = schemathesis.openapi.from_wsgi(document, app)
    results: list[Any] = list(schema.get_all_operations())
    yield from sorted((one.ok() for one in results), key=lambda one: one.method == "delete")


def fuzz(
    operation: Any,
    mode: GenerationMode,
    headers: Mapping[str, str],
    mean: Callable[[Case[Any]], None],
) -> None:
    """Ask one operation for many things; every other case first goes through `mean`, which may
    let it mean records that exist. Raises what schemathesis raises for an undocumented answer.
    """
    count = 0

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        # The test client would send an object's repr: a text, and so a good value.
        assume(not any(isinstance(value, dict) for value in (case.query or {}).values()))
        nonlocal count
        count += 1
        if count % 2:
            mean(case)
        case.call_and_validate(headers=dict(headers), checks=CHECKS)

    with suppress(Unsatisfiable):  # negative data for an operation that takes none
        ask()
