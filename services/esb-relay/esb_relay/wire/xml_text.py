"""Characters, names and escapes of the small XML that GovESB uses."""

import re
from collections.abc import Callable

from esb_relay.errors import MalformedText, UnsendableBody

_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
NAME = rf"[{_START}][{_START}.0-9\xb7\u0300-\u036f\u203f\u2040-]*+"
"""An element's name (XML 1.0, fifth edition) without a colon: there are no namespaces here."""

_NAME = re.compile(NAME)
_NOT_A_CHARACTER = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot|apos));")
_REFERENCE_OR_END = re.compile(rf"{_REFERENCE.pattern}|&|\r\n?")
_PREDEFINED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_PLAIN = re.compile(r"[\t\n\x20-%'-\\^-\ud7ff]*+")  # neither `&` nor `]` nor anything to look into
_SPECIAL = re.compile(r"[&<\r]|(?<=\]\])>")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xd;"}
_NON_ASCII = re.compile(r"[^\x00-\x7f]")


def decoded(literal: str) -> str:
    """The characters that an element's literal text stands for; line ends become `\\n`.

    Raises MalformedText: an entity that is not predefined, a character no XML text may hold.
    """
    if _PLAIN.fullmatch(literal):
        return literal
    if "]]>" in literal:
        raise MalformedText("not XML: ']]>' in text")
    text = _REFERENCE_OR_END.sub(_character, literal)
    if _NOT_A_CHARACTER.search(text):
        raise MalformedText("not XML: a character that XML does not allow")
    return text


def escaped(text: str) -> str:
    """Text as GovESB spells it: `&`, `<`, the `>` of `]]>`, and CR as `&#xd;`.

    Raises UnsendableBody: a character no XML text may hold.
    """
    if _NOT_A_CHARACTER.search(text):
        raise UnsendableBody("the text holds a character that XML cannot carry")
    return _SPECIAL.sub(lambda special: _ESCAPES[special[0]], text)


def is_name(text: str) -> bool:
    """Whether an element may bear this name."""
    return _NAME.fullmatch(text) is not None


def ascii_decimal(xml: str) -> str:
    """Non-ASCII characters as decimal references, as Python's XML writers spell them."""
    return _as_references(xml, lambda code: f"&#{code};")


def ascii_hexadecimal(xml: str) -> str:
    """Non-ASCII characters as hexadecimal references, as Java's Woodstox spells them."""
    return _as_references(xml, lambda code: f"&#x{code:x};")


def _as_references(xml: str, spell: Callable[[int], str]) -> str:
    return _NON_ASCII.sub(lambda character: spell(ord(character[0])), xml)


def _character(reference: re.Match[str]) -> str:
    hexadecimal, decimal, predefined = reference.groups()
    if predefined:
        return _PREDEFINED[predefined]
    if reference[0].startswith("\r"):
        return "\n"
    if not hexadecimal and not decimal:
        raise MalformedText("not XML: an entity that is not predefined")
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise MalformedText("not XML: a reference to no character")
    return chr(code)
