"""Text in a mail's header fields: encoded words that say exactly it. Pure.

Sources: RFC 2047 (encoded words), RFC 5322 (phrases). The standard library's header objects are not
used: they read callers' text as if it were a header already, and decode what they find in it.
"""

import base64
import re
from collections.abc import Iterator

#: Of an encoded word, and of a line that holds one (RFC 2047, section 2).
MAX_WORD_CHARS, MAX_LINE_CHARS = 75, 76
_BEGIN, _END = "=?utf-8?", "?="
_FRAME_CHARS = len(f"{_BEGIN}q?{_END}")

#: Octets that stand for themselves in an encoded word, wherever it stands.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_SPACE = 0x20
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


def text_field(name: str, text: str) -> str:
    """The field `name` with free text, as lines that end in CR LF.

    What a reader could take for anything but these characters is encoded. `text` has no control
    characters. Raises UnicodeEncodeError for half a character.
    """
    is_plain = _reads_as_itself(text) and len(name) + 2 + len(text) <= MAX_LINE_CHARS
    return f"{name}: {text}\r\n" if is_plain else _folded(name, text, "")


def address_field(name: str, display_name: str, address: str) -> str:
    """The field `name` with one mailbox: `Wizara ya Afya <sms@example.org>`, or the address."""
    if not display_name:
        return f"{name}: {address}\r\n"
    phrase = _phrase(display_name)
    line = f"{name}: {phrase} <{address}>\r\n"
    if phrase is not None and len(line) <= MAX_LINE_CHARS:
        return line
    return _folded(name, display_name, f"<{address}>")


def encoded_words(text: str, room: int) -> Iterator[str]:
    """`text` as encoded words; `room`: how many characters the first one may have.

    A reader drops the space between two of them: those of the text are inside. No character is
    torn apart.
    """
    # One kind for the whole text: what is shorter.
    octets = text.encode()
    quoted_chars = sum(map(_quoted_chars, octets))
    is_quoted = quoted_chars <= _base64_chars(len(octets))
    write = _quoted if is_quoted else _base64
    room, piece, filled = min(room, MAX_WORD_CHARS) - _FRAME_CHARS, b"", 0
    for character in text:
        more = character.encode()
        filled += sum(map(_quoted_chars, more)) if is_quoted else 0
        size = filled if is_quoted else _base64_chars(len(piece) + len(more))
        if piece and size > room:
            yield write(piece)
            room, piece = MAX_WORD_CHARS - _FRAME_CHARS, b""
            filled = sum(map(_quoted_chars, more))
        piece += more
    if piece:
        yield write(piece)


def _quoted_chars(octet: int) -> int:
    return 1 if octet in _PLAIN or octet == _SPACE else 3


def _base64_chars(octets: int) -> int:
    return -(-octets // 3) * 4


def _reads_as_itself(text: str) -> bool:
    return text.isascii() and "=?" not in text and text == text.strip()


def _phrase(name: str) -> str | None:
    """A display name without encoded words; None: it needs them."""
    if not _reads_as_itself(name):
        return None
    if _ATOMS.fullmatch(name) and "  " not in name:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folded(name: str, text: str, after: str) -> str:
    words = [*encoded_words(text, MAX_LINE_CHARS - len(name) - 2), *filter(None, [after])]
    return f"{name}: " + "\r\n ".join(words) + "\r\n"


def _quoted(octets: bytes) -> str:
    def write(octet: int) -> str:
        if octet == _SPACE:
            return "_"
        return chr(octet) if octet in _PLAIN else f"={octet:02X}"

    return f"{_BEGIN}q?{''.join(map(write, octets))}{_END}"


def _base64(octets: bytes) -> str:
    return f"{_BEGIN}b?{base64.b64encode(octets).decode()}{_END}"
