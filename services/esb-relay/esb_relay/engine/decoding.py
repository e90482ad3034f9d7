"""An answer's bytes without their content coding. Pure.

The engine is asked for none (`identity`); what stands before it may pack its answer all the same.
"""

from common.http.codings import NotUnpacked, codings_of, unpacked


class Undecodable(Exception):
    """The bytes are not what their coding says, or too many come out; the text says which."""


def decoded(body: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """What was packed with gzip or deflate, whole and at most `limit_bytes`. Raises Undecodable."""
    codings = codings_of(content_encoding)
    if not codings or not body:
        return body
    try:
        found = unpacked(body, codings, limit_bytes + 1)
    except NotUnpacked as exc:
        raise Undecodable(f"its content coding: {exc}") from exc
    if len(found.data) > limit_bytes:
        raise Undecodable(f"it is larger than {limit_bytes} bytes once unpacked")
    if not found.is_whole:
        raise Undecodable("its content coding ends too early")
    return found.data
