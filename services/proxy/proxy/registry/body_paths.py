"""Where a value stands in a body: a JSON pointer, an XPath, or a field of HL7 version 2. Pure.

Of JSON there are pointers, and names with dots between them (`$.` before them or not); `*` is every
item or member. Of XPath there is what OpenHIM's channels use: steps by name, `*`, `//`, `[n]`,
`[@a='v']`, `[local-name()='v']`, and at the end `@a` or `text()`, within `string(…)` or not. Of HL7
there are `PID-3`, `PID-3.1`, `PID-3.4.2`: of each such segment, each repetition.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree

KINDS = ("json", "xpath", "hl7")

_STEP = re.compile(r"(?P<axis>//?)(?P<name>\*|text\(\)|@?[\w.:-]+)(?P<tests>(?:\[[^\[\]]*\])*)")
_TEST = re.compile(
    r"\[\s*(?:(?P<at>\d{1,6})|(?P<what>@[\w.:-]+|local-name\(\))\s*=\s*(?P<quote>['\"])"
    r"(?P<value>[^'\"]*)(?P=quote))\s*\]"
)
_STRING = re.compile(r"\s*string\((?P<path>.*)\)\s*", re.DOTALL)
_HL7 = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>[1-9]\d{0,2})"
    r"(?:\.(?P<component>[1-9]\d{0,2}))?(?:\.(?P<part>[1-9]\d{0,2}))?"
)
_SEGMENT = re.compile(r"[^\r\n\x1c]+[\r\n\x1c]*|[\r\n\x1c]+")
#: The texts that stand at a place of an unpacked body, in its order; none where there is no such.
Values = Callable[[bytes], Iterator[str]]
Element = ElementTree.Element


def values_at(kind: str, path: str) -> Values:
    """What finds the texts at a path of one of KINDS. Raises ValueError with a reason."""
    if kind == "json":
        names = json_names(path)
        return lambda body: _json_values(body, names)
    if kind == "xpath":
        steps = xpath_steps(path)
        return lambda body: _xml_values(body, steps)
    place = hl7_place(path)
    return lambda body: _hl7_values(body, place)


def json_names(path: str) -> list[str]:
    """The names and positions of a path, from the top."""
    if path.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    return re.sub(r"\[(\d+|\*)\]", r".\1", path.removeprefix("$.")).split(".")


def _json_values(body: bytes, names: list[str]) -> Iterator[str]:
    try:
        at = [json.loads(body, parse_int=str, parse_float=str, parse_constant=str)]
    except (ValueError, RecursionError):
        return
    for name in names:
        at = [inner for one in at for inner in _members(one, name)]
    for one in at:
        if isinstance(one, bool):
            yield "true" if one else "false"
        elif isinstance(one, str):
            yield one


def _members(found: Any, name: str) -> Iterator[Any]:
    if name == "*":
        yield from found.values() if isinstance(found, dict) else found if _is_list(found) else ()
    elif isinstance(found, dict):
        if name in found:
            yield found[name]
    elif _is_list(found) and name.isdecimal() and int(name) < len(found):
        yield found[int(name)]


def _is_list(found: Any) -> bool:
    return isinstance(found, list)


def xpath_steps(expression: str) -> list[re.Match[str]]:
    """The steps of a path. Raises ValueError with a reason."""
    within = _STRING.fullmatch(expression)
    path = within["path"].strip() if within else expression.strip()
    steps = list(_STEP.finditer(path))
    if not steps or "".join(step[0] for step in steps) != path:
        raise ValueError("Of XPath only paths of names are known here, like /a/b[@c='d']/text()")
    for step in steps:
        if "".join(test[0] for test in _TEST.finditer(step["tests"])) != step["tests"]:
            raise ValueError("A condition is [1], [@name='value'] or [local-name()='value']")
    if sum(step["axis"] == "//" for step in steps) > 1:
        raise ValueError("// stands once at most")
    if any(step["name"].startswith(("@", "text()")) for step in steps[:-1]):
        raise ValueError("@name and text() stand at the end only")
    return steps


def _xml_values(body: bytes, steps: list[re.Match[str]]) -> Iterator[str]:
    root = xml_document(body)
    if root is None:
        return
    at, last = xml_places(root, steps)
    if last == "text()":
        yield from (text for one in at if (text := _own_text(one)))
    elif last.startswith("@"):
        values = (_attribute(one, last[1:]) for one in at)
        yield from (value for value in values if value is not None)
    else:
        yield from ("".join(one.itertext()) for one in at)


def xml_document(body: bytes) -> Element | None:
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


def xml_places(root: Element, steps: list[re.Match[str]]) -> tuple[list[Element], str]:
    """The elements that a path leads to, in document order, and which part of each is meant:
    `@name`, `text()`, or empty for all of it."""
    at = [root]
    for step in steps:
        name = step["name"]
        reached = [inner for one in at for inner in one.iter()] if step["axis"] == "//" else at
        if name == "text()" or name.startswith("@"):
            return reached, name
        at = [one for parent in reached for one in _passing(parent, name, step["tests"])]
    return at, ""


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


def attribute_name(one: Element, name: str) -> str | None:
    """What an attribute is called in full, by its local name."""
    wanted = _local(name)
    return next((key for key in one.attrib if _local(key) == wanted), None)


def _attribute(one: Element, name: str) -> str | None:
    key = attribute_name(one, name)
    return None if key is None else one.attrib[key]


def _own_text(one: Element) -> str:
    return "".join([one.text or "", *(inner.tail or "" for inner in one)])


def _local(name: str) -> str:
    """A name without its namespace, as ElementTree (`{uri}a`) or people (`p:a`) write it."""
    return name.rpartition("}")[2].rpartition(":")[2]


def hl7_place(path: str) -> re.Match[str]:
    """Segment, field, component and subcomponent. Raises ValueError with a reason."""
    found = _HL7.fullmatch(path.strip())
    if found is None:
        raise ValueError("A field of HL7 is like PID-3, PID-3.1 or PID-3.4.2")
    return found


class Separators(NamedTuple):
    """What separates in an HL7 message."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    part: str = "&"

    @classmethod
    def of(cls, header: str) -> "Separators":
        """As a header segment (`MSH|^~\\&|…`) says."""
        encoding = header[4:].partition(header[3])[0]
        usual = cls()
        return cls(
            header[3], *(encoding[n : n + 1] or usual[at] for at, n in enumerate((0, 1, 3), 1))
        )


def hl7_segments(text: str) -> Iterator[tuple[str, Separators]]:
    """The segments of a message, each with what ends it, and what separates in it."""
    by = Separators()
    for found in _SEGMENT.finditer(text):
        header = found[0].strip("\x0b\r\n\x1c")
        if header.startswith("MSH") and len(header) > 3:
            by = Separators.of(header)
        yield found[0], by


def _hl7_values(body: bytes, place: re.Match[str]) -> Iterator[str]:
    for segment, by in hl7_segments(_text(body)):
        fields = segment.strip("\x0b\r\n\x1c").split(by.field)
        # MSH-1 is the separator itself.
        at = int(place["field"]) - (fields[0] == "MSH")
        if fields[0] == place["segment"] and 0 < at < len(fields):
            for one in fields[at].split(by.repetition):
                text = _nth(_nth(one, by.component, place["component"]), by.part, place["part"])
                if text:
                    yield text


def _nth(text: str, separator: str, wanted: str | None) -> str:
    """A part by its number from 1; all of it where none is named."""
    if wanted is None:
        return text
    return (text.split(separator)[int(wanted) - 1 : int(wanted)] or [""])[0]


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
