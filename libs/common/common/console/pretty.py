"""Stored bodies as people read them: JSON and XML indented, every digit and name left as it was."""

import json
import re

_INDENT = "  "
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_XML_TOKEN = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^<>]*>|[^<]+|<", re.DOTALL)


def pretty(text: str) -> str:
    """`text` indented where it is JSON or XML, else as it is."""
    start = text.lstrip()[:1]
    if start in {"{", "["}:
        return _pretty_json(text)
    return _pretty_xml(text) if start == "<" else text


def _pretty_json(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text  # cut off at the stored length, perhaps
    out, depth, before = [], 0, None
    for piece in _JSON_TOKEN.findall(text):
        if piece in {"}", "]"}:
            depth -= 1
            out.append("" if before in {"{", "["} else _line(depth))
        elif before in {"{", "[", ","}:
            out.append(_line(depth))
        out.append(": " if piece == ":" else piece)
        depth += piece in {"{", "["}
        before = piece
    return "".join(out)


def _pretty_xml(text: str) -> str:
    """Only between two tags is there room for a new line; text stays where it is."""
    out, depth, before = [], 0, ""
    for piece in (piece for piece in _XML_TOKEN.findall(text) if piece.strip()):
        closes = piece.startswith("</")
        depth -= closes
        is_empty_element = closes and _opens(before)
        if _is_tag(before) and _is_tag(piece) and not is_empty_element:
            out.append(_line(depth))
        out.append(piece)
        depth += _opens(piece)
        before = piece
    return "".join(out)


def _is_tag(piece: str) -> bool:
    return piece.startswith("<") and not piece.startswith("<![CDATA[")


def _opens(piece: str) -> bool:
    return _is_tag(piece) and piece[1:2] not in {"/", "?", "!"} and not piece.endswith("/>")


def _line(depth: int) -> str:
    return f"\n{_INDENT * depth}"
