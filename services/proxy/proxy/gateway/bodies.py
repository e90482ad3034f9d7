"""The stored copy of a body: decoded where it is text, else described; shortened. Pure."""

import zlib
from collections.abc import Callable
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import Protocol

import brotli
import zstandard

SHORTENED_MARK = "… [shortened]"

_NO_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13"}
    | {"utf_7", "uu_codec", "zlib_codec"}
)

_TEXT_TYPES = ("text/",)
_TEXT_SUFFIXES = ("json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "csv", "hl7-v2")

#: RFC 9659: what a decoder of `zstd` must have room for; more is refused.
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024

#: Python's names of charsets. Its other "encodings" are none (`hex`), cost time without bound
#: (`punycode`), or give text that cannot be stored (`utf_7`); unknown names it would never forget.
_CHARSETS = frozenset({*aliases, *aliases.values(), "cp720", "cp737", "cp874", "koi8_u"}) - {
    *(name for name, codec in aliases.items() if codec in _NO_CHARSETS),
    *_NO_CHARSETS,
}


class _Decoder(Protocol):
    def __call__(self, data: bytes, /) -> bytes: ...


def _zlib_decoder(wbits: int, limit: int) -> _Decoder:
    return lambda data: zlib.decompressobj(wbits).decompress(data, limit)


def _unpacked_zstd(data: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    return reader.stream_reader(data).read(limit)


def _decoder(encoding: str, limit: int) -> _Decoder | None:
    """A decoder that gives at most about `limit` bytes, however much is packed in."""
    decoders: dict[str, Callable[[], _Decoder]] = {
        "gzip": lambda: _zlib_decoder(31, limit),
        "x-gzip": lambda: _zlib_decoder(31, limit),
        "deflate": lambda: _zlib_decoder(15, limit),
        "br": lambda: lambda data: brotli.Decompressor().process(data, output_buffer_limit=limit),
        "zstd": lambda: lambda data: _unpacked_zstd(data, limit),
    }
    make = decoders.get(encoding)
    return make() if make else None


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
    head: bytes, total_bytes: int | None, content_type: str, encoding: str, max_chars: int
) -> str:
    """The text kept of a body of which `head` is the beginning (or all).

    `total_bytes` is its whole length on the wire, None where it is not known.
    """
    if not head:
        return ""
    encoding = encoding.strip().lower()
    data: bytes | None = head
    if encoding and encoding != "identity":
        data = _decoded(head, encoding, max_chars * 4 + 4)
    text = _as_text(data, content_type) if data is not None and is_text(content_type) else None
    if text is None:
        size = f"{total_bytes} bytes" if total_bytes is not None else "bytes"
        return f"<binary {size} {content_type.partition(';')[0].strip() or 'of unknown type'}>"
    cut_on_the_wire = total_bytes is None or total_bytes > len(head)
    if len(text) > max_chars or cut_on_the_wire:
        return text[:max_chars] + SHORTENED_MARK
    return text


def is_exact_copy(copy: str, body: bytes, encoding: str) -> bool:
    """Whether the stored text is `body` to the byte."""
    return encoding.strip().lower() in {"", "identity"} and copy.encode("utf-8", "replace") == body


def _decoded(data: bytes, encoding: str, limit: int) -> bytes | None:
    decode = _decoder(encoding, limit)
    if decode is None:
        return None
    try:
        return decode(data)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return None


def _as_text(data: bytes, content_type: str) -> str | None:
    """Decoded text, or None for what is no text; databases cannot hold NUL in text.

    None of our charsets gives lone surrogates, which they cannot hold either.
    """
    if not content_type and b"\x00" in data:
        return None
    text = data.decode(charset_of(content_type), "replace")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
