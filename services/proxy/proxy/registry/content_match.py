"""Which calls a channel takes by what they hold: media types, and one rule for the body. Pure.

Expressions are RE2's. Of XPath there is what OpenHIM's channels use: steps by name, `*`, `//`,
`[n]`, `[@a='v']`, `[local-name()='v']`, and at the end `@a` or `text()`, within `string(…)` or not.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import re2
from common.errors import Invalid

from proxy.registry.patterns import MAX_PATTERN_MEMORY_BYTES

KINDS = ("regex", "json", "xpath")

_STEP = re.compile(r"(?P<axis>//?)(?P<name>\*|text\(\)|@?[\w.:-]+)(?P<tests>(?:\[[^\[\]]*\])*)")
_TEST = re.compile(
    r"\[\s*(?:(?P<at>\d{1,6})|(?P<what>@[\w.:-]+|local-name\(\))\s*=\s*(?P<quote>['\"])"
    r"(?P<value>[^'\"]*)(?P=quote))\s*\]"
)
_STRING = re.compile(r"\s*string\((?P<path>.*)\)\s*", re.DOTALL)

Matches = Callable[[bytes], bool]
Element = ElementTree.Element


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
    if rule["kind"] == "json":
        return _json(expression, value)
    return _xpath(expression, value)


def _regex(expression: str) -> Matches:
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_PATTERN_MEMORY_BYTES, False
    options.never_capture = True
    try:
        search = re2.compile(expression, options).search
    except (re2.error, UnicodeEncodeError) as exc:
        raise _invalid("The expression does not compile") from exc
    return lambda body: search(body) is not None


def _json(path: str, value: str) -> Matches:
    """`path` is a JSON pointer, or names with dots between them (`$.` before them or not)."""
    if path.startswith("/"):
        names = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    else:
        names = re.sub(r"\[(\d+)\]", r".\1", path.removeprefix("$.")).split(".")

    def matches(body: bytes) -> bool:
        try:
            found = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            return False
        for name in names:
            found = _member(found, name)
        return _as_text(found) == value

    return matches


def _member(found: Any, name: str) -> Any:
    if isinstance(found, dict):
        return found.get(name)
    if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
        return found[int(name)]
    return None


def _as_text(found: Any) -> str | None:
    if isinstance(found, bool):
        return "true" if found else "false"
    return found if isinstance(found, str) else None


def _xpath(expression: str, value: str) -> Matches:
    within = _STRING.fullmatch(expression)
    path = within["path"].strip() if within else expression.strip()
    steps = list(_STEP.finditer(path))
    if not steps or "".join(step[0] for step in steps) != path:
        raise _invalid("Of XPath only paths of names are known here, like /a/b[@c='d']/text()")
    for step in steps:
        if "".join(test[0] for test in _TEST.finditer(step["tests"])) != step["tests"]:
            raise _invalid("A condition is [1], [@name='value'] or [local-name()='value']")
    if sum(step["axis"] == "//" for step in steps) > 1:
        raise _invalid("// stands once at most")
    if any(step["name"].startswith(("@", "text()")) for step in steps[:-1]):
        raise _invalid("@name and text() stand at the end only")

    def matches(body: bytes) -> bool:
        root = _document(body)
        return root is not None and _first(root, steps) == value

    return matches


def _document(body: bytes) -> Element | None:
    """The root in a parent of its own; None for what is no XML, or may declare entities."""
    if b"\x00" in body or b"<!DOCTYPE" in body:
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 # it declares no entities
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    above = Element("")
    above.append(root)
    return above


def _first(root: Element, steps: list[re.Match[str]]) -> str | None:
    """The first text that a path leads to, in document order."""
    at = [root]
    for step in steps:
        name, reached = step["name"], _reached(at, step["axis"] == "//")
        if name == "text()":
            return next((text for one in reached if (text := _own_text(one))), None)
        if name.startswith("@"):
            values = (_attribute(one, name[1:]) for one in reached)
            return next((value for value in values if value is not None), None)
        at = [one for parent in reached for one in _passing(parent, name, step["tests"])]
    return "".join(at[0].itertext()) if at else None


def _reached(at: list[Element], is_deep: bool) -> list[Element]:
    return [inner for one in at for inner in one.iter()] if is_deep else at


def _passing(parent: Element, name: str, tests: str) -> list[Element]:
    found = [one for one in parent if name == "*" or _local(name) == _local(one.tag)]
    for test in _TEST.finditer(tests):
        if test["at"]:
            at = int(test["at"])
            found = found[at - 1 : at] if at else []
        elif test["what"].startswith("@"):
            found = [one for one in found if _attribute(one, test["what"][1:]) == test["value"]]
        else:
            found = [one for one in found if _local(one.tag) == test["value"]]
    return found


def _attribute(one: Element, name: str) -> str | None:
    wanted = _local(name)
    return next((value for key, value in one.attrib.items() if _local(key) == wanted), None)


def _own_text(one: Element) -> str:
    return "".join([one.text or "", *(inner.tail or "" for inner in one)])


def _local(name: str) -> str:
    """A name without its namespace, as ElementTree (`{uri}a`) or people (`p:a`) write it."""
    return name.rpartition("}")[2].rpartition(":")[2]


def _invalid(reason: str) -> Invalid:
    return Invalid(f"match_body: {reason}", {"match_body": [reason]})
