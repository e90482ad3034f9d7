"""One body, spelled as JSON or as XML elements.

XML knows no numbers, booleans or null, so the way back gives strings, objects and arrays only:
`1.10` becomes `<a>1.10</a>` and comes back as `"1.10"`, digit for digit. An array is its elements
as adjacent siblings; an empty one leaves no trace (as a whole body: `<esbBody></esbBody>`), one of
a single element comes back as that element; null, `""` and `{}` become `<a></a>` and come back as
`""`.
"""

import json

from esb_relay.errors import MalformedText, UnsendableBody
from esb_relay.wire.json_canonical import quoted
from esb_relay.wire.json_span import check
from esb_relay.wire.xml_canonical import canonical, wrapped
from esb_relay.wire.xml_received import read
from esb_relay.wire.xml_span import Element, parse, without_declaration
from esb_relay.wire.xml_text import escaped, is_name

BODY = "esbBody"


class _Number(str):
    """A JSON number, by its digits as written."""


class _Object(list[tuple[str, object]]):
    """A JSON object, by its members in order."""


_TREE = json.JSONDecoder(parse_int=_Number, parse_float=_Number, object_pairs_hook=_Object)


def json_to_xml(body: str, name: str = BODY) -> str:
    """A JSON text as the element(s) called `name`: one, or one for each member of an array.

    Raises UnsendableBody: not JSON, or a name, character or nesting XML has no spelling for.
    """
    try:
        return _element(name, _TREE.decode(check(body))) or wrapped(name, "")
    except MalformedText as exc:
        raise UnsendableBody(f"the body is refused: {exc}") from exc


def xml_to_json(body: str, name: str = BODY) -> str:
    """The JSON text of the element(s) called `name` as `Answer` carries them, tags included.

    An attribute is a member `@name` (declarations of namespaces too), the text beside attributes is
    `#text`; prefixes stay in names, comments are left out. Raises MalformedText.
    """
    elements = read(wrapped("body", body)).named(name)
    if not elements:
        raise MalformedText(f"not a body: no <{name}>")
    return _member(elements)


def sendable_xml(body: str) -> str:
    """A caller's XML as `<esbBody>` in GovESB's spelling; wrapped unless it is that already.

    Raises UnsendableBody: not the XML that GovESB uses, or repeated siblings that are not adjacent
    (receivers that re-serialise would reorder them).
    """
    try:
        around = parse(wrapped(BODY, without_declaration(body)))
    except MalformedText as exc:
        raise UnsendableBody(f"the body is refused: {exc}") from exc
    _refuse_scattered(around)
    bodies = around.named(BODY)
    if not bodies or len(bodies) != len(around.children):
        return canonical(around)
    return "".join(map(canonical, bodies))


def payload_xml(body: str, name: str) -> str:
    """`<esbBody>` around `<name>`, for a body from `sendable_xml`; unchanged if it is that already.

    Several bodies (an array) become several adjacent elements of that name.
    """
    bodies = parse(wrapped("body", body)).children
    inside = bodies[0].children
    if len(bodies) == 1 and inside and all(child.name == name for child in inside):
        return body
    return wrapped(BODY, "".join(wrapped(name, element.inner) for element in bodies))


def _element(name: str, value: object) -> str:
    if isinstance(value, _Object):
        return wrapped(name, _members(value))
    if isinstance(value, list):
        return _siblings(name, value)
    if isinstance(value, bool):
        return wrapped(name, "true" if value else "false")
    return wrapped(name, "" if value is None else escaped(str(value)))


def _members(value: _Object) -> str:
    parts: dict[str, str] = {}
    for name, member in value:
        if not is_name(name):
            raise UnsendableBody("XML has no spelling for a member's name in the body")
        if name in parts:
            raise UnsendableBody("the body repeats a member's name")
        parts[name] = _element(name, member)
    return "".join(parts.values())


def _siblings(name: str, values: list[object]) -> str:
    parts = []
    for value in values:
        if isinstance(value, list) and not isinstance(value, _Object):
            raise UnsendableBody("XML has no spelling for an array within an array")
        parts.append(_element(name, value))
    return "".join(parts)


def _json(element: Element) -> str:
    if not element.children and not element.attributes:
        return quoted(element.text)
    parts = [f"{quoted('@' + name)}:{quoted(value)}" for name, value in element.attributes]
    if element.text:
        parts.append(f'"#text":{quoted(element.text)}')
    groups: dict[str, list[Element]] = {}
    for child in element.children:
        groups.setdefault(child.name, []).append(child)
    for name, group in groups.items():
        parts.append(f"{quoted(name)}:{_member(group)}")
    return f"{{{','.join(parts)}}}"


def _member(group: list[Element]) -> str:
    if len(group) == 1:
        return _json(group[0])
    return f"[{','.join([_json(element) for element in group])}]"


def _refuse_scattered(element: Element) -> None:
    seen: set[str] = set()
    last = ""
    for child in element.children:
        if child.name in seen and child.name != last:
            raise UnsendableBody("repeated elements in the body are not adjacent")
        seen.add(child.name)
        last = child.name
        _refuse_scattered(child)
