"""The elements of GovESB's small XML and where they begin and end in their text.

What is sent is in this subset; what comes may be in more (`xml_received`).

The subset: elements that hold either text or elements, the five predefined entities and character
references. No attributes, namespaces, comments, CDATA, DOCTYPE or processing instructions: each is
refused by name, so nothing can hide a second `<data>` or stand for text that is not there.
"""

import re
from dataclasses import dataclass, field

from esb_relay.errors import MalformedText
from esb_relay.wire.json_span import MAX_DEPTH
from esb_relay.wire.xml_text import NAME, decoded

_DECLARATION = re.compile(
    r"""<\?xml[ \t\r\n]+version=(["'])1\.[0-9]\1"""
    r"""(?:[ \t\r\n]+encoding=(["'])(?P<encoding>[A-Za-z][\w.-]{0,30})\2)?"""
    r"""(?:[ \t\r\n]+standalone=(["'])(?:yes|no)\4)?[ \t\r\n]*\?>""",
    re.ASCII,
)
_TAG = re.compile(rf"<(?P<close>/)?(?P<name>{NAME})[ \t\r\n]*+(?P<empty>/)?>")
_SPACE = " \t\r\n"
_REFUSED = (
    ("<!--", "a comment"),
    ("<![CDATA[", "CDATA"),
    ("<!", "a DOCTYPE or another declaration"),
    ("<?", "a processing instruction"),
)
_NAMED = re.compile(rf"</?{NAME}(?P<next>.?)", re.DOTALL)


@dataclass(slots=True)
class Element:
    """One element. It holds `children` or text, never both."""

    source: str = field(repr=False)
    name: str
    start: int
    inner_start: int
    inner_end: int = 0
    end: int = 0
    children: "list[Element]" = field(default_factory=list)
    #: Names as written, with their values; none in the subset.
    attributes: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def outer(self) -> str:
        """The element as written, tags included."""
        return self.source[self.start : self.end]

    @property
    def inner(self) -> str:
        """What stands between the tags, as written."""
        return self.source[self.inner_start : self.inner_end]

    @property
    def self_closing(self) -> bool:
        """Whether it was written `<a/>`."""
        return self.inner_end == self.end

    @property
    def text(self) -> str:
        """The decoded text; empty if the element holds elements."""
        return "" if self.children else decoded(self.inner)

    def named(self, name: str) -> "list[Element]":
        """The children of that name."""
        return [child for child in self.children if child.name == name]


def parse(text: str) -> Element:
    """The root element of a document.

    Raises MalformedText: not well formed, outside the subset, too deep, an encoding but UTF-8.
    """
    root: Element | None = None
    open_elements: list[Element] = []
    at = _after_declaration(text)
    while at < len(text):
        tag_start = text.find("<", at)
        if tag_start < 0:
            tag_start = len(text)
        if not open_elements and text[at:tag_start].strip(_SPACE):
            raise MalformedText(f"not XML at character {at}: text outside the root element")
        if tag_start == len(text):
            break
        if root and not open_elements:
            raise MalformedText(f"not XML at character {tag_start}: more after the root element")
        tag = _tag(text, tag_start)
        at = tag.end()
        if tag["close"]:
            _close(open_elements, tag)
        else:
            element = _open(open_elements, tag)
            root = root or element
    if root is None or open_elements:
        raise MalformedText("not XML: the text ends too early")
    return root


def without_declaration(text: str) -> str:
    """The text after its XML declaration, if it has one. Raises MalformedText."""
    return text[_after_declaration(text) :]


def _after_declaration(text: str) -> int:
    declaration = _DECLARATION.match(text)
    if declaration is None:
        return 0
    encoding = declaration["encoding"]
    if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise MalformedText("not XML in UTF-8: the declaration names another encoding")
    return declaration.end()


def _tag(text: str, at: int) -> re.Match[str]:
    tag = _TAG.match(text, at)
    if tag is None or (tag["close"] and tag["empty"]):
        raise MalformedText(f"not XML that GovESB uses, at character {at}: {_reason(text, at)}")
    return tag


def _reason(text: str, at: int) -> str:
    for opening, reason in _REFUSED:
        if text.startswith(opening, at):
            return reason
    named = _NAMED.match(text, at)
    if named and named["next"] == ":":
        return "a namespace prefix"
    if named and named["next"] and named["next"] in _SPACE:
        return "an attribute"
    return "a broken tag"


def _open(open_elements: list[Element], tag: re.Match[str]) -> Element:
    element = Element(tag.string, tag["name"], tag.start(), tag.end())
    if open_elements:
        _add_child(open_elements[-1], element)
    if tag["empty"]:
        element.inner_end = element.end = tag.end()
    elif len(open_elements) >= MAX_DEPTH:
        raise MalformedText(f"nested deeper than {MAX_DEPTH}")
    else:
        open_elements.append(element)
    return element


def _add_child(parent: Element, child: Element) -> None:
    before = parent.children[-1].end if parent.children else parent.inner_start
    _refuse_text(child.source, before, child.start)
    parent.children.append(child)


def _close(open_elements: list[Element], tag: re.Match[str]) -> None:
    element = open_elements.pop() if open_elements else None
    if element is None or element.name != tag["name"]:
        raise MalformedText(f"not XML at character {tag.start()}: an end tag without its start")
    element.inner_end, element.end = tag.start(), tag.end()
    if element.children:
        _refuse_text(element.source, element.children[-1].end, tag.start())
    else:
        decoded(element.inner)


def _refuse_text(source: str, start: int, end: int) -> None:
    if source[start:end].strip(_SPACE):
        raise MalformedText(f"not XML that GovESB uses, at character {start}: text among elements")
