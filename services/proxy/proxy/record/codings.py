"""Content codings of the calls that pass: what `common` unpacks, and brotli and zstd. Pure."""

import brotli
import zstandard
from common.http import codings
from common.http.codings import UNPACKERS, NotUnpacked, Unpacked

#: RFC 9659: what a decoder of `zstd` must have room for; more is refused.
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


def unpacked(data: bytes, names: list[str], limit_bytes: int) -> Unpacked:
    """Undo the codings, the last one first; the bytes are at most about `limit_bytes`.

    What was cut off is unpacked as far as it goes. Raises NotUnpacked.
    """
    return codings.unpacked(data, names, limit_bytes, _UNPACKERS)


def is_known(names: list[str]) -> bool:
    """Whether all of them can be undone here."""
    return all(name in _UNPACKERS for name in names)


def _br(data: bytes, limit: int) -> Unpacked:
    decoder = brotli.Decompressor()
    try:
        return Unpacked(decoder.process(data, output_buffer_limit=limit), decoder.is_finished())
    except brotli.error as exc:
        raise NotUnpacked("it is not br") from exc


def _zstd(data: bytes, limit: int) -> Unpacked:
    """All frames. The library does not tell whether the last one was whole."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    try:
        out = decoder.stream_reader(data, read_across_frames=True).read(limit)
    except zstandard.ZstdError as exc:
        raise NotUnpacked("it is not zstd") from exc
    return Unpacked(out, True)


_UNPACKERS = {**UNPACKERS, "br": _br, "zstd": _zstd}
