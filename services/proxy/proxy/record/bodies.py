"""The stored copy of a body: decoded where it is text, else described; shortened. Pure."""

from collections.abc import Callable
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

from common.http.codings import NotUnpacked, codings_of

from proxy.models.sealed import NOT_STORED
from proxy.record.codings import is_known, unpacked

SHORTENED_MARK = "… [shortened]"
#: What is kept of a whole text of a body (see `proxy.record.masked_bodies`); of longer ones none.
Mask = Callable[[str], str]
MASKED_CHARS = 1024 * 1024

_NO_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13"}
    | {"utf_7", "uu_codec", "zlib_codec"}
)

_TEXT_TYPES = ("text/",)
#: How media types end whose bodies people read: data formats, messages of health and trade,
#: signed tokens (which are ASCII), languages.
_TEXT_SUFFIXES = (
    *("json", "jsonl", "json-seq", "xml", "xml-dtd", "yaml", "toml", "csv", "javascript"),
    *("ecmascript", "x-www-form-urlencoded", "hl7-v2", "hl7v2", "er7", "edifact", "edi-x12"),
    *("edi-consent", "jose", "jwt", "graphql", "pem", "x-pem-file", "pem-certificate-chain"),
    *("sql", "cql", "turtle", "trig", "n-quads", "n-triples", "sparql-query", "sparql-update"),
    "x-sh",
)

#: Python's names of charsets. Its other "encodings" are none (`hex`), cost time without bound
#: (`punycode`), or give text that cannot be stored (`utf_7`); unknown names it would never forget.
_CHARSETS = frozenset({*aliases, *aliases.values(), "cp720", "cp737", "cp874", "koi8_u"}) - {
    *(name for name, codec in aliases.items() if codec in _NO_CHARSETS),
    *_NO_CHARSETS,
}


@lru_cache(maxsize=1000)
def is_text(content_type: str) -> bool:
    """Whether a body of this type is for reading; without a type it may be."""
    media = content_type.partition(";")[0].strip().lower()
    return not media or media.startswith(_TEXT_TYPES) or media.endswith(_TEXT_SUFFIXES)


@lru_cache(maxsize=1000)
def charset_of(content_type: str) -> str:
    """The charset parameter where it names one, else UTF-8."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
            return charset if normalize_encoding(charset) in _CHARSETS else "utf-8"
    return "utf-8"


def stored_copy(
    head: bytes,
    total_bytes: int | None,
    content_type: str,
    encoding: str,
    max_chars: int,
    mask: Mask | None = None,
) -> str:
    """The text kept of a body of which `head` is the beginning (or all).

    `total_bytes` is its whole length on the wire, None where it is not known. Where there is a
    mask, a text that is not here to its end is not kept.
    """
    if not head:
        return ""
    codings, charset = _codings_and_charset(encoding)
    most_chars = max_chars if mask is None else MASKED_CHARS
    data, is_cut = _unpacked(head, codings, most_chars * 4 + 4)
    text = None
    if data is not None and is_text(content_type):
        text = _as_text(data, content_type, charset)
    if text is None:
        size = f"{total_bytes} bytes" if total_bytes is not None else "bytes"
        return f"<binary {size} {content_type.partition(';')[0].strip() or 'of unknown type'}>"
    is_cut = is_cut or total_bytes is None or total_bytes > len(head)
    if mask is not None:
        text = mask(text) if not is_cut and len(text) <= most_chars else NOT_STORED
        is_cut = False
    if len(text) > max_chars or is_cut:
        return text[:max_chars] + SHORTENED_MARK
    return text


def is_exact_copy(copy: str, body: bytes, encoding: str) -> bool:
    """Whether the stored text is `body`, without its codings, to the byte."""
    text = copy.encode("utf-8", "replace")
    if not encoding:
        return body == text
    try:
        return decoded_body(body, encoding, len(text)) == text
    except (DecodedTooLarge, NotDecoded, UnknownCoding):
        return False


def is_packed(encoding: str) -> bool:
    """Whether a `Content-Encoding` names a coding, and not only a charset."""
    return bool(_codings_and_charset(encoding)[0])


def _codings_and_charset(encoding: str) -> tuple[list[str], str]:
    """Some senders put the charset where codings belong: `Content-Encoding: UTF-8`."""
    if not encoding:
        return [], ""
    codings = codings_of(encoding)
    charsets = [name for name in codings if normalize_encoding(name) in _CHARSETS]
    return [name for name in codings if name not in charsets], charsets[0] if charsets else ""


def _unpacked(data: bytes, codings: list[str], limit: int) -> tuple[bytes | None, bool]:
    """The unpacked beginning, None where it cannot be had; and whether more was packed in."""
    if not codings:
        return data, False
    try:
        found = unpacked(data, codings, limit)
    except NotUnpacked:
        return None, False
    return found.data, not found.is_whole


def _as_text(data: bytes, content_type: str, charset: str) -> str | None:
    """Decoded text, or None for what is no text; databases cannot hold NUL in text.

    None of our charsets gives lone surrogates, which they cannot hold either.
    """
    if not content_type and b"\x00" in data:
        return None
    if not charset or "charset" in content_type.lower():
        charset = charset_of(content_type)
    text = data.decode(charset, "replace")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


class UnknownCoding(Exception):
    """A body is packed in a way that is not known here."""


class NotDecoded(Exception):
    """A body is not what its codings say; the message is a reason without any of it."""


class DecodedTooLarge(Exception):
    """A body is small as it came, and larger than the limit once it is unpacked."""


def decoded_body(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body without its codings, for rules that look into it; at most `limit_bytes`.

    Raises UnknownCoding, NotDecoded, DecodedTooLarge.
    """
    codings, _charset = _codings_and_charset(encoding)
    if not codings:
        decoded, is_whole = body, True
    else:
        if not is_known(codings):
            raise UnknownCoding
        try:
            found = unpacked(body, codings, limit_bytes + 1)
        except NotUnpacked as exc:
            raise NotDecoded(str(exc)) from exc
        decoded, is_whole = found.data, found.is_whole
    if len(decoded) > limit_bytes:
        raise DecodedTooLarge
    if not is_whole:
        raise NotDecoded("it is cut off, or something follows it")
    return decoded
