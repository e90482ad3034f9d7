"""Content codings: bytes are unpacked up to a bound, however much is packed in. Pure."""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Codings of one body, and members of one gzip file: nobody needs more.
MAX_CODINGS = 3
MAX_MEMBERS = 1_000
#: What is given to zlib at once: it copies what follows a member each time one ends.
_PIECE_BYTES = 16 * 1024

#: What says that nothing is packed, in HTTP and in the words of e-mail.
_NO_CODINGS = frozenset({"", "identity", "none", "7bit", "8bit", "binary"})
_NAMES = re.compile(r"[\s,]+")


class NotUnpacked(Exception):
    """The bytes are not what their coding says, or their coding is not known."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out; `is_whole` where the packed bytes ended as their format says."""

    data: bytes
    is_whole: bool


#: Unpacks bytes up to about so many. Raises zlib.error, NotUnpacked.
Unpack = Callable[[bytes, int], Unpacked]


def codings_of(content_encoding: str) -> list[str]:
    """The codings as they were applied, in lower case, `identity` and its like left out."""
    names = _NAMES.split(content_encoding.strip().lower())
    return [name for name in names if name not in _NO_CODINGS]


def unpacked(
    data: bytes,
    codings: list[str],
    limit_bytes: int,
    unpackers: Mapping[str, Unpack] | None = None,
) -> Unpacked:
    """Undo `codings`, the last one first; the bytes are at most about `limit_bytes`.

    Knows gzip and deflate, or what `unpackers` have. What was cut off is unpacked as far as it
    goes. Raises NotUnpacked.
    """
    if len(codings) > MAX_CODINGS:
        raise NotUnpacked(f"more than {MAX_CODINGS} codings")
    is_whole = True
    for left, coding in reversed(list(enumerate(codings))):
        unpack = (unpackers or UNPACKERS).get(coding)
        if unpack is None:
            raise NotUnpacked("its coding is not known")
        # What is still packed may be a little longer than what is in it.
        try:
            step = unpack(data, 2 * limit_bytes + 1024 if left else limit_bytes)
        except zlib.error as exc:
            raise NotUnpacked(f"it is not {coding}") from exc
        data, is_whole = step.data, is_whole and step.is_whole
    return Unpacked(data, is_whole)


def _gzip(data: bytes, limit: int) -> Unpacked:
    """All members; zeros or strange bytes may follow the last one."""
    out, at, size = [], 0, 0
    for _ in range(MAX_MEMBERS):
        member, at = _member(data, at, limit - size)
        out.append(member.data)
        size += len(member.data)
        if not member.is_whole or size >= limit:
            return Unpacked(b"".join(out), False)
        if data[at : at + 2] != b"\x1f\x8b":
            return Unpacked(b"".join(out), not data[at:].strip(b"\x00"))
    return Unpacked(b"".join(out), False)


def _member(data: bytes, at: int, limit: int) -> tuple[Unpacked, int]:
    """One member from `at` on, and where it ends."""
    decoder = zlib.decompressobj(31)
    out, size = [], 0
    while at < len(data) and size < limit and not decoder.eof:
        piece = data[at : at + _PIECE_BYTES]
        out.append(decoder.decompress(piece, limit - size))
        size += len(out[-1])
        at += len(piece) - len(decoder.unused_data) - len(decoder.unconsumed_tail)
    return Unpacked(b"".join(out), decoder.eof), at


def _deflate(data: bytes, limit: int) -> Unpacked:
    """RFC 9110 means the zlib format; some senders leave out its header."""
    try:
        return _inflated(data, zlib.MAX_WBITS, limit)
    except zlib.error:
        return _inflated(data, -zlib.MAX_WBITS, limit)


def _inflated(data: bytes, wbits: int, limit: int) -> Unpacked:
    decoder = zlib.decompressobj(wbits)
    out = decoder.decompress(data, limit)
    return Unpacked(out, decoder.eof and not decoder.unused_data)


UNPACKERS: dict[str, Unpack] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
