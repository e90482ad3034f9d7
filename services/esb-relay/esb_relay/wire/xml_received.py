"""Reading the XML that the bus signs, whatever its writer put around GovESB's small subset.

Attributes, namespace prefixes (names stay as written, prefix and all), CDATA and comments are taken
and passed on to the byte. DOCTYPE and entities, processing instructions, text among elements, and a
comment in which a part of an envelope hides are refused. What is sent is read by `xml_span`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from esb_relay.errors import MalformedText
from esb_relay.wire import xml_span
from esb_relay.wire.json_span import MAX_DEPTH
from esb_relay.wire.xml_span import Element

# Of a start tag that is well formed: where it ends, whatever its attributes hold.
_START_TAG = re.compile(rb"""<[^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+>""")
_ENVELOPE_PART = re.compile(r"</?+(?:[^\s<>/:]*+:)?(?:data|signature)\b", re.IGNORECASE)
_SPACE = " \t\r\n"


@dataclass(slots=True)
class ReceivedElement(Element):
    """An element outside the subset: it may have attributes, and its text CDATA and comments."""

    pieces: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """The text without markup; empty if the element holds elements."""
        return "" if self.children else "".join(self.pieces)


def read(text: str) -> Element:
    """The root element of a received document.

    Raises MalformedText: not well formed, too deep, an encoding but UTF-8, or refused (see above).
    """
    try:
        return xml_span.parse(text)
    except MalformedText:
        return _Reader(text).root()


class _Reader:
    """One document through expat, which knows what is well formed."""

    def __init__(self, text: str) -> None:
        try:
            self._raw = text.encode()
        except UnicodeEncodeError as exc:
            raise MalformedText("not XML: half of a surrogate pair") from exc
        self._source = text
        self._is_ascii = len(self._raw) == len(text)
        self._at = self._bytes_at = 0
        self._root: Element | None = None
        self._open: list[ReceivedElement] = []
        self._expat = expat.ParserCreate("utf-8")
        self._expat.ordered_attributes = True
        self._expat.buffer_text = True
        self._expat.XmlDeclHandler = self._declaration
        self._expat.StartDoctypeDeclHandler = self._doctype
        self._expat.ProcessingInstructionHandler = self._instruction
        self._expat.CommentHandler = self._comment
        self._expat.CharacterDataHandler = self._text
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end

    def root(self) -> Element:
        """The root. Raises MalformedText."""
        try:
            self._expat.Parse(self._raw, True)
        except expat.ExpatError as exc:
            raise MalformedText(self._words(exc)) from exc
        if self._root is None:
            raise MalformedText("not XML: the text ends too early")
        return self._root

    def _words(self, exc: expat.ExpatError) -> str:
        if self._source.lstrip(_SPACE)[:9].lower() == "<!doctype":
            return "not XML that GovESB uses: a DOCTYPE"
        if exc.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            return "not XML: an entity that is not predefined"
        return f"not XML at line {exc.lineno}, column {exc.offset}: {expat.ErrorString(exc.code)}"

    def _refuse(self, what: str) -> NoReturn:
        raise MalformedText(f"not XML that GovESB uses, at character {self._place()}: {what}")

    def _place(self, byte: int | None = None) -> int:
        """The character at a byte's place; places only grow."""
        byte = self._expat.CurrentByteIndex if byte is None else byte
        if self._is_ascii:
            return byte
        self._at += len(self._raw[self._bytes_at : byte].decode())
        self._bytes_at = byte
        return self._at

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise MalformedText("not XML in UTF-8: the declaration names another encoding")

    def _doctype(self, *_: object) -> None:
        self._refuse("a DOCTYPE or another declaration")

    def _instruction(self, *_: object) -> None:
        self._refuse("a processing instruction")

    def _comment(self, words: str) -> None:
        if _ENVELOPE_PART.search(words):
            self._refuse("a comment that holds a part of an envelope")

    def _text(self, text: str) -> None:
        if self._open[-1].children and text.strip(_SPACE):
            self._refuse("text among elements")
        self._open[-1].pieces.append(text)

    def _start(self, name: str, attributes: Sequence[str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise MalformedText(f"nested deeper than {MAX_DEPTH}")
        first = self._expat.CurrentByteIndex
        tag = _START_TAG.match(self._raw, first)
        if tag is None:
            self._refuse("a broken tag")
        start = self._place(first)
        element = ReceivedElement(self._source, name, start, self._place(tag.end()))
        element.attributes = tuple(zip(attributes[::2], attributes[1::2], strict=True))
        if self._open:
            self._add_child(element)
        else:
            self._root = element
        if tag[0].endswith(b"/>"):
            element.inner_end = element.end = element.inner_start
        self._open.append(element)

    def _add_child(self, element: ReceivedElement) -> None:
        parent = self._open[-1]
        if any(piece.strip(_SPACE) for piece in parent.pieces):
            self._refuse("text among elements")
        parent.pieces.clear()
        parent.children.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if element.end:
            return  # written `<a/>`
        first = self._expat.CurrentByteIndex
        element.inner_end = self._place(first)
        element.end = self._place(self._raw.index(b">", first) + 1)
