"""Fields of bodies that a channel masks: a mask stands in their place in every text that is kept.

What looks like the kind of body that a mask is for, and cannot be read as such to its end, is not
kept at all. Requests and answers to the byte are what they are for: they are sealed, not masked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

import msgspec
from common.errors import Invalid

from proxy.models.sealed import NOT_STORED
from proxy.record.bodies import Mask
from proxy.record.masks import MASK
from proxy.registry.body_paths import (
    Separators,
    attribute_name,
    hl7_place,
    hl7_segments,
    json_names,
    xml_document,
    xml_places,
    xpath_steps,
)

_MASKED = msgspec.Raw(f'"{MASK}"'.encode())
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_lists = msgspec.json.Decoder(list[msgspec.Raw])


class NotRead(Exception):
    """A text looks like what a mask is for, and is not."""


def mask_of(stored: Iterable[Mapping[str, str]]) -> Mask | None:
    """What masks the fields of a channel, None where it names none. Raises Invalid."""
    fields = tuple((one["kind"], one["expression"]) for one in stored)
    try:
        for kind, expression in fields:
            _mask(kind, expression)
    except ValueError as exc:
        reason = str(exc)
        raise Invalid(f"masked_fields: {reason}", {"masked_fields": [reason]}) from exc
    return FieldMask(fields) if fields else None


@dataclass(frozen=True, slots=True)
class FieldMask:
    """Masks fields, each a kind of body and where it stands there, in a text."""

    fields: tuple[tuple[str, str], ...]

    def __call__(self, text: str) -> str:
        """The text with masks; NOT_STORED for one that cannot be read."""
        try:
            for kind, expression in self.fields:
                text = _mask(kind, expression)(text)
        except NotRead:
            return NOT_STORED
        return text


@lru_cache(maxsize=1000)
def _mask(kind: str, expression: str) -> Mask:
    if kind == "json":
        names = json_names(expression)
        return lambda text: _json(text, names)
    if kind == "xpath":
        steps = xpath_steps(expression)
        return lambda text: _xml(text, steps)
    place = hl7_place(expression)
    return lambda text: _hl7(text, place)


def _json(text: str, names: list[str]) -> str:
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return text
    try:
        return bytes(_without(msgspec.Raw(text.lstrip("\ufeff").encode()), names)).decode()
    except (ValueError, RecursionError) as exc:
        raise NotRead from exc


def _without(found: msgspec.Raw, names: list[str]) -> msgspec.Raw:
    """The document with a mask where a path leads to; not a digit of the rest is changed."""
    if not names:
        return _MASKED
    name, begun = names[0], bytes(found).lstrip()[:1]
    if begun == b"{":
        members = _objects.decode(found)
        for one in members if name == "*" else members.keys() & {name}:
            members[one] = _without(members[one], names[1:])
        return msgspec.Raw(msgspec.json.encode(members))
    if begun == b"[":
        items = _lists.decode(found)
        wanted = range(len(items)) if name == "*" else [int(name)] if name.isdecimal() else []
        for at in wanted:
            if at < len(items):
                items[at] = _without(items[at], names[1:])
        return msgspec.Raw(msgspec.json.encode(items))
    return found


def _xml(text: str, steps: list[re.Match[str]]) -> str:
    if text.lstrip("\ufeff \t\r\n")[:1] != "<":
        return text
    # The text is decoded already: what it says of its own charset no longer holds.
    root = xml_document(re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff")).encode())
    if root is None:
        raise NotRead
    at, last = xml_places(root, steps)
    for one in at:
        if last.startswith("@"):
            named = attribute_name(one, last[1:])
            if named is not None:
                one.set(named, MASK)
            continue
        if last != "text()":
            for inner in list(one):
                one.remove(inner)
        one.text = MASK
        for inner in one:
            inner.tail = None
    return ElementTree.tostring(root[0], encoding="unicode") if at else text


def _hl7(text: str, place: re.Match[str]) -> str:
    if not text.lstrip("\x0b\r\n").startswith(("MSH", "FHS", "BHS")):
        return text
    return "".join(_segment(one, by, place) for one, by in hl7_segments(text))


def _segment(segment: str, by: Separators, place: re.Match[str]) -> str:
    """A segment, with what ends it, with masks in a field; without a component in all of it."""
    fields = segment.rstrip("\r\n\x1c").split(by.field)
    rest = segment[len(segment.rstrip("\r\n\x1c")) :]
    name = fields[0].lstrip("\x0b\r\n\x1c")
    at = int(place["field"]) - (name == "MSH")
    if name == place["segment"] and 0 < at < len(fields) and fields[at]:
        fields[at] = by.repetition.join(
            _part(one, [(by.component, place["component"]), (by.part, place["part"])])
            for one in fields[at].split(by.repetition)
        )
    return by.field.join(fields) + rest


def _part(text: str, within: list[tuple[str, str | None]]) -> str:
    if not within or within[0][1] is None:
        return MASK if text else text
    separator, wanted = within[0]
    parts = text.split(separator)
    at = int(wanted or 0) - 1
    if at < len(parts):
        parts[at] = _part(parts[at], within[1:])
    return separator.join(parts)
