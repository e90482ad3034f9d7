"""Which calls a channel takes by what they hold: media types, and one rule for the body. Pure.

Expressions are RE2's; for paths see `proxy.registry.body_paths`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2
from common.errors import Invalid

from proxy.registry.body_paths import values_at
from proxy.registry.patterns import MAX_PATTERN_MEMORY_BYTES

KINDS = ("regex", "json", "xpath")

Matches = Callable[[bytes], bool]


class BodyRule:
    """One rule for an unpacked body; other processes get its text."""

    def __init__(self, kind: str, expression: str, value: str) -> None:
        """Raises Invalid."""
        self._given = (kind, expression, value)
        is_regex = kind == "regex"
        self._matches = _regex(expression) if is_regex else _path(kind, expression, value)

    def __call__(self, body: bytes) -> bool:
        """Whether `body` meets it."""
        return self._matches(body)

    def __reduce__(self) -> tuple[Any, ...]:
        return _read_again, self._given


@lru_cache(maxsize=100)
def _read_again(kind: str, expression: str, value: str) -> BodyRule:
    return BodyRule(kind, expression, value)


@dataclass(frozen=True, slots=True)
class ContentRule:
    """What a call must hold; no media types: any. `body` is asked of the unpacked body."""

    content_types: frozenset[str]
    body: BodyRule | None = field(repr=False)


def content_rule(content_types: Iterable[str], body: dict[str, Any] | None) -> ContentRule | None:
    """The rule of a channel, None where it has none. Raises Invalid."""
    types = frozenset(one.partition(";")[0].strip().lower() for one in content_types)
    if not types and not body:
        return None
    if not body:
        return ContentRule(types, None)
    rule = BodyRule(body["kind"], body["expression"], body.get("value", ""))
    return ContentRule(types, rule)


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
