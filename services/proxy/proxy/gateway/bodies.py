"""The stored copy of a body: decoded where it is text, else described; shortened. Pure."""

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

SHORTENED_MARK = "… [shortened]"

_TEXT_TYPES = ("text/",)
_TEXT_SUFFIXES = ("json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "csv", "hl7-v2")


class _Decoder(Protocol):
    def __call__(self, data: bytes, /) -> bytes: ...


def _zlib_decoder(wbits: int, limit: int) -> _Decoder:
    return lambda data: zlib.decompressobj(wbits).decompress(data, limit)


def _decoder(encoding: str, limit: int) -> _Decoder | None:
    """A decoder that gives at most about `limit` bytes, however much is packed in."""
    decoders: dict[str, Callable[[], _Decoder]] = {
        "gzip": lambda: _zlib_decoder(31, limit),
        "x-gzip": lambda: _zlib_decoder(31, limit),
        "deflate": lambda: _zlib_decoder(15, limit),
        "br": lambda: lambda data: brotli.Decompressor().process(data, output_buffer_limit=limit),
        "zstd": lambda: lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(limit),
    }
    make = decoders.get(encoding)
    return make() if make else None


def is_text(content_type: str) -> bool:
    """Whether a body of this type is for reading; without a type it may be."""
    media = content_type.partition(";")[0].strip().lower()
    return not media or media.startswith(_TEXT_TYPES) or media.endswith(_TEXT_SUFFIXES)


def charset_of(content_type: str) -> str:
    """The charset parameter, else UTF-8."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or "utf-8"
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
    return not encoding and copy.encode("utf-8", "replace") == body


def _decoded(data: bytes, encoding: str, limit: int) -> bytes | None:
    decode = _decoder(encoding, limit)
    if decode is None:
        return None
    try:
        return decode(data)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return None


def _as_text(data: bytes, content_type: str) -> str | None:
    """Decoded text, or None for what is no text; databases cannot hold NUL in text."""
    if not content_type and b"\x00" in data:
        return None
    try:
        text = data.decode(charset_of(content_type), "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
