"""Which calls a channel takes by what they hold: media types, and one rule for the body. Pure.

Expressions are RE2's; for paths see `proxy.registry.body_paths`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import re2
from common.errors import Invalid

from proxy.registry.body_paths import values_at
from proxy.registry.patterns import MAX_PATTERN_MEMORY_BYTES

KINDS = ("regex", "json", "xpath")

Matches = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class ContentRule:
    """What a call must hold; no media types: any. `body` is asked of the unpacked body."""

    content_types: frozenset[str]
    body: Matches | None = field(repr=False)


def content_rule(content_types: Iterable[str], body: dict[str, Any] | None) -> ContentRule | None:
    """The rule of a channel, None where it has none. Raises Invalid."""
    types = frozenset(one.partition(";")[0].strip().lower() for one in content_types)
    if not types and not body:
        return None
    return ContentRule(types, _matches(body) if body else None)


def _matches(rule: dict[str, Any]) -> Matches:
    expression, value = rule["expression"], rule.get("value", "")
    if rule["kind"] == "regex":
        return _regex(expression)
    return _path(rule["kind"], expression, value)


def _regex(expression: str) -> Matches:
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_PATTERN_MEMORY_BYTES, False
    options.never_capture = True
    try:
        search = re2.compile(expression, options).search
    except (re2.error, UnicodeEncodeError) as exc:
        raise _invalid("The expression does not compile") from exc
    return lambda body: search(body) is not None


def _path(kind: str, expression: str, value: str) -> Matches:
    """Whether the first text that a path leads to is `value`."""
    try:
        values = values_at(kind, expression)
    except ValueError as exc:
        raise _invalid(str(exc)) from exc
    return lambda body: next(values(body), None) == value


def _invalid(reason: str) -> Invalid:
    return Invalid(f"match_body: {reason}", {"match_body": [reason]})
