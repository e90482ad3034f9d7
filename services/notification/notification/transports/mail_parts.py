"""The parts of an e-mail (RFC 2045, 2046, 2183): texts, pages, files, and how they belong together.

Pure. Everything is in ASCII, in lines that end in CR LF.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from notification.mails.attachments import Attachment

#: Of a line of a header that holds a file's name.
_MAX_PIECE_CHARS = 60
_OCTET = re.compile(r"%[0-9A-F]{2}|.")
#: What a file's name may have without being encoded.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True, slots=True)
class Part:
    """Header fields, each ended by CR LF, and what follows them."""

    header: str
    body: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.header}\r\n{self.body}"


def text_part(text: str, subtype: str = "plain") -> Part:
    """`text` in whichever encoding is shorter."""
    encoding = _encoding(text)
    part = EmailMessage(policy=SMTP)
    part.set_content(text, charset="utf-8", cte=encoding)
    header = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n"
    )
    return Part(header, str(part.get_payload()).replace("\n", "\r\n"))


def file_part(file: Attachment) -> Part:
    """A file to be kept, not shown."""
    header = (
        f"Content-Type: {file.media_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{_named(file.name)}\r\n"
    )
    return Part(header, base64.encodebytes(file.content).decode("ascii").replace("\n", "\r\n"))


def several(subtype: str, parts: Sequence[Part], reference: str) -> Part:
    """Parts that belong together: `alternative` or `mixed`."""
    digest = hashlib.sha256(f"{subtype} {reference}".encode()).hexdigest()
    # No line of quoted-printable or base64 has these two signs side by side.
    boundary = f"=_{digest[:32]}"
    header = (
        f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n'
        "Content-Transfer-Encoding: 7bit\r\n"
    )
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return Part(header, f"{body}--{boundary}--\r\n")


def content_of(text: str, page: str | None, files: Sequence[Attachment], reference: str) -> Part:
    """All that is below a mail's header: `text`, the same as a `page`, and files."""
    words = text_part(text)
    if page is not None:
        words = several("alternative", [words, text_part(page, "html")], reference)
    if not files:
        return words
    return several("mixed", [words, *map(file_part, files)], reference)


def _named(name: str) -> str:
    """The parameter `filename`, in pieces where it is long (RFC 2231)."""
    if _PLAIN_NAME.fullmatch(name):
        return f'; filename="{name}"'
    encoded, pieces = quote(name, safe=""), [""]
    for octet in _OCTET.findall(encoded):
        if len(pieces[-1]) + len(octet) > _MAX_PIECE_CHARS:
            pieces.append("")
        pieces[-1] += octet
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{encoded}"
    first, *others = pieces
    lines = [f"filename*0*=utf-8''{first}"]
    lines += [f"filename*{number}*={piece}" for number, piece in enumerate(others, 1)]
    return "".join(f";\r\n {line}" for line in lines)


def _encoding(text: str) -> str:
    """Letters other than ASCII are few in most languages, and all of them in some."""
    foreign = sum(not character.isascii() for character in text)
    return "base64" if foreign * 3 > len(text) else "quoted-printable"
