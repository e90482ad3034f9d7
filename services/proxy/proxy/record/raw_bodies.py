"""The bytes of a body, where they are kept: of the stored copies, else of a text that is the body.

What a browser may show is told by the bytes, never by what their sender called them.
"""

from enum import StrEnum

from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable, UnknownRecord
from proxy.models import StoredRequest, StoredResponse, Transaction
from proxy.record.sealing import Sealer

#: Of longer bodies, the hexadecimal view has the beginning.
HEX_BYTES = 16 * 1024
_ROW = 16
#: How files begin that browsers show without running anything; SVG is none of them.
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
    (b"%PDF-", "application/pdf", "pdf"),
)


class Side(StrEnum):
    """Whose body it is."""

    REQUEST = "request"
    RESPONSE = "response"


def raw_body(session: Session, sealer: Sealer, call: Transaction, side: Side) -> bytes | None:
    """The body to the byte; None where it is not kept, or its key is gone."""
    try:
        if side is Side.RESPONSE:
            answer = session.get(StoredResponse, call.correlation_id)
            return None if answer is None else sealer.open_response(answer).body
        stored = session.get(StoredRequest, call.correlation_id)
        if stored is not None:
            return sealer.open(stored).body
    except (NotRepeatable, UnknownRecord):
        return None
    return call.request_body.encode() if call.request_body_whole and call.request_body else None


def shown_as(body: bytes) -> tuple[str | None, str]:
    """The media type that a browser may show it as, else None; and how its file's name ends."""
    for beginning, media, ending in _BEGINNINGS:
        if body.startswith(beginning):
            return media, ending
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "image/webp", "webp"
    return None, "bin"


def hexadecimal(body: bytes) -> str:
    """The beginning, 16 bytes a line: where, which, and what of it is ASCII."""
    return "\n".join(_hex_row(body, at) for at in range(0, min(len(body), HEX_BYTES), _ROW))


def _hex_row(body: bytes, at: int) -> str:
    row = body[at : at + _ROW]
    readable = "".join(chr(one) if 0x20 <= one < 0x7F else "." for one in row)
    return f"{at:08x}  {row.hex(' '):<{_ROW * 3}} {readable}"
