"""A template's Markdown (CommonMark with tables) becomes the two texts of an e-mail. Pure.

The words are read before they are filled: a value is never read as Markdown or HTML, so that
nobody's name makes a link, an image or a tag. Raw HTML and images of the template are text, too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from notification.emit.render import BRACED, MAX_VALUE_CHARS, fill, look_up
from notification.mails.plain_text import plain_text

#: Where a link may lead, once it is filled.
_LINK = re.compile(r"(https?://[^\s<>\"\\]+|mailto:[^\s<>\"\\]+|tel:[0-9+().-]+)", re.IGNORECASE)
_BEGINS_WHOLE = re.compile(r"(https?://[^\s{}]|mailto:|tel:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An e-mail's words as plain text and as HTML without a page around them.

    Placeholders in `missing` stand in both as they were written; `bad_links` are filled with
    what is no address. Values that would make it too long are left out; then it does not fit.
    """

    text: str
    html: str | None
    missing: tuple[str, ...] = ()
    bad_links: tuple[str, ...] = ()
    fits: bool = True


def render(markdown: str, context: Mapping[str, Any], room: int = MAX_VALUE_CHARS) -> Rendered:
    """Read the Markdown, then fill its words and links: `room` characters at most."""
    tokens = _READER.parse(markdown)
    filling = _Filling(context, room)
    for token in _with_children(tokens):
        filling.fill(token)
    html = str(_READER.renderer.render(tokens, _READER.options, {}))
    missing, bad = tuple(filling.missing), tuple(filling.bad_links)
    return Rendered(plain_text(tokens), html, missing, bad, filling.room >= 0)


def why_no_link(markdown: str) -> str | None:
    """What is wrong with the links of a template's body; None when nothing is."""
    for token in _with_children(_READER.parse(markdown)):
        address = str(token.attrGet("href") or "") if token.type == "link_open" else None
        if address is None or _placeholder(address) or _BEGINS_WHOLE.match(address):
            continue
        return (
            f"The link to {address[:50] or 'nothing'} needs a whole address: "
            "https://…, mailto:…, tel:… or {name}."
        )
    return None


def _with_children(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _placeholder(address: str) -> str | None:
    """The name, where an address is one placeholder and nothing else."""
    found = BRACED.fullmatch(address)
    return found[1] if found else None


@dataclass
class _Filling:
    """Puts values in their places, and notes what cannot be."""

    context: Mapping[str, Any]
    room: int
    missing: dict[str, None] = field(default_factory=dict)
    bad_links: dict[str, None] = field(default_factory=dict)

    def fill(self, token: Token) -> None:
        if token.type == "link_open":
            token.attrSet("href", self._address(str(token.attrGet("href") or "")))
        elif token.type in ("text", "code_inline", "code_block", "fence"):
            filled = fill(token.content, self.context, max(self.room, 0))
            self.missing |= dict.fromkeys(filled.missing)
            self.room -= len(filled.text) if filled.fits else self.room + 1
            token.content = filled.text

    def _address(self, written: str) -> str:
        """A link's address; a value is a part of it, unless it is the whole."""
        name = _placeholder(written)
        filled = (look_up(name, self.context) if name else None) or BRACED.sub(self._part, written)
        if name and look_up(name, self.context) is None:
            self.missing[name] = None
        elif not _LINK.fullmatch(filled):
            self.bad_links[written[:50]] = None
            return "#"
        self.room -= len(filled)
        return str(normalizeLink(filled))

    def _part(self, found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        value = look_up(found[1], self.context)
        if value is None:
            self.missing[found[1]] = None
        return quote(value, safe="") if value is not None else found[0]


def _braced(state: StateInline, silent: bool) -> bool:
    """A placeholder, or two braces for one, is text, whatever signs stand in it."""
    found = BRACED.match(state.src, state.pos, state.posMax)
    if found is None or (found[1] is None and len(found[0]) == 1):
        return False
    if not silent:
        state.append_pending(found[0])
    state.pos = found.end()
    return True


def _text(_renderer: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    """Lines of a value stay lines."""
    return escapeHtml(tokens[place].content).replace("\n", "<br>\n")


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.inline.ruler.before("escape", "braced", _braced)
    reader.add_render_rule("text", _text)
    # As they are written: links are filled, looked at and normalised afterwards.
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    reader.normalizeLink = lambda url: url  # type: ignore[method-assign]
    reader.normalizeLinkText = lambda link: link.removeprefix("mailto:")  # type: ignore[method-assign]
    return reader


_READER = _reader()
