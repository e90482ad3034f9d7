"""Acknowledgements of HL7 version 2 that the hub makes itself. Pure.

Sender and receiver of MSH change places, MSA-2 is the message's control id (HL7 v2.5.1, 2.9.2 and
2.14.9). A message whose MSH-15 asks for accept acknowledgements gets `CA`, `CR`, `CE` for `AA`,
`AR`, `AE`.
"""

import enum
import re
import uuid
from datetime import datetime

MAX_TEXT_CHARS = 200
_SEGMENT_ENDS = re.compile(r"[\r\n]")
_USUAL_ENCODING = "^~\\&"


class Outcome(enum.StrEnum):
    """What became of a message."""

    ACCEPTED = "A"  # the mediator has it, or it is stored to be sent
    REJECTED = "R"  # surely nobody has it: it may be sent again
    ERROR = "E"  # the mediator would not have it, or nobody knows


def is_hl7(message: bytes) -> bool:
    """Whether a message, or what stands in a frame, is one of HL7 version 2."""
    return message.lstrip(b"\x0b\r\n").startswith((b"MSH", b"FHS", b"BHS"))


def acknowledgement(
    message: bytes, outcome: Outcome, text: str, ack_id: uuid.UUID, now: datetime
) -> bytes:
    """The acknowledgement of `message`, without a frame; `text` is for people."""
    field, fields = _header(message)
    encoding = fields[1] or _USUAL_ENCODING
    trigger = fields[8].split(encoding[0])[1:2]
    kind = "C" if fields[14].strip() else "A"
    header = [
        *("MSH", encoding, fields[4], fields[5], fields[2], fields[3]),
        *(now.strftime("%Y%m%d%H%M%S+0000"), "", encoding[0].join(["ACK", *trigger])),
        *(ack_id.hex[:20], fields[10] or "P", fields[11] or "2.5"),
    ]
    said = ["MSA", f"{kind}{outcome}", fields[9], _escaped(text, field, encoding)]
    segments = (field.join(header), field.join(said).rstrip(field))
    return "".join(f"{segment}\r" for segment in segments).encode("latin-1", "replace")


def _header(message: bytes) -> tuple[str, list[str]]:
    """The field separator, and the header's fields with the segment's name at 0: n - 1 is MSH-n."""
    text = message.lstrip(b"\x0b\r\n")[:4096].decode("latin-1")
    first = _SEGMENT_ENDS.split(text, maxsplit=1)[0]
    is_header = first.startswith("MSH") and len(first) > 3 and not first[3].isalnum()
    separator = first[3] if is_header else "|"
    fields = first.split(separator) if is_header else []
    return separator, [*fields, *[""] * 15][:15]


def _escaped(text: str, field: str, encoding: str) -> str:
    """Text in which nothing separates."""
    special = dict(zip((field, *encoding), ("F", "S", "R", "E", "T"), strict=False))
    escape = encoding[2:3] or "\\"
    plain = " ".join(text[:MAX_TEXT_CHARS].split())
    named = (f"{escape}{special[one]}{escape}" if one in special else one for one in plain)
    return "".join(named)
