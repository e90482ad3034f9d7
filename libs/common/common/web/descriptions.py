"""Operations that a service's OpenAPI document describes and another process of it serves."""

from collections.abc import Sequence
from typing import Any

from flask_smorest import Api
from werkzeug.routing import Map, Rule


def describe(
    api: Api,
    path: str,
    method: str,
    operation: dict[str, Any],
    problems: tuple[int, ...],
    parameters: Sequence[dict[str, Any]] = (),
) -> None:
    """Put an operation into `api`'s document; `path` is spelled as Flask spells rules.

    `parameters` say more of those in the path; `problems` are the statuses of
    `application/problem+json` that it may answer.
    """
    rule = Rule(path, defaults={})
    Map([rule])  # a rule knows its parameters once it belongs to a map
    rejections = {str(status): f"PROBLEM_{status}" for status in problems}
    described = {**operation, "responses": {**operation["responses"], **rejections}}
    api.spec.path(rule=rule, operations={method: described}, parameters=list(parameters))
