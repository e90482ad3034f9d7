"""An e-mail as bytes, and addresses that are safe to put on a line. Pure."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Self

import idna

from notification.mails.frame import NO_FRAME, Frame
from notification.transports.base import Message
from notification.transports.mail_parts import content_of
from notification.transports.mail_words import address_field, text_field

#: What RFC 5321 calls a mailbox, without quoted local parts, comments and literals.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_LINE_BEGINS_WITH_DOT = re.compile(rb"(?m)^\.")
#: Controls, line and paragraph separators: some reader may see a line end in any of them.
BREAKING = ("Cc", "Zl", "Zp")
MAX_ADDRESS_CHARS = 254
MAX_SUBJECT_CHARS = 998
MAX_NAME_CHARS = 128

#: What a header may have, in this order.
FIELDS = (
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
)
#: What some mails do without.
OPTIONAL_FIELDS = frozenset({"Reply-To", "List-Unsubscribe-Post"})
_FIELD_LINE = re.compile(r"(?P<name>[A-Za-z-]+): [\x20-\x7e]*|[ \t]+[\x21-\x7e][\x20-\x7e]*")


class BadMailError(ValueError):
    """It cannot be sent as it is; the text says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: an address, and the name that readers see before it, if there is one."""

    address: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `sms@example.org` or `Wizara ya Afya <sms@example.org>`. Raises BadMailError."""
        named = _NAMED.fullmatch(text.strip())
        if named is None:
            return cls(mailbox(text))
        name = named["name"].strip()
        if len(name) > 1 and name[0] == name[-1] == '"':
            name = name[1:-1]
        if _breaks(name) or len(name) > MAX_NAME_CHARS:
            raise BadMailError("the sender's name is not one short line")
        return cls(mailbox(named["address"]), name)

    @property
    def domain(self) -> str:
        """What follows the @."""
        return self.address.rpartition("@")[2]


def mailbox(text: str) -> str:
    """`text` as an address on the wire: a domain of other letters in its ASCII form (IDNA 2008).

    Raises BadMailError.
    """
    local, _, domain = trimmed(text).rpartition("@")
    address = f"{local}@{_ascii_domain(domain)}"
    # What looks like an encoded word is an address by the letter; readers would show another one.
    is_mailbox = _MAILBOX.fullmatch(address) and "=?" not in address
    if len(address) > MAX_ADDRESS_CHARS or not is_mailbox:
        raise BadMailError("the address is not one that mail can be sent to")
    return address


def trimmed(text: str) -> str:
    """Without outer blanks, no-break spaces, byte order marks and zero-width characters."""
    return text.strip(" \t\u00a0\u2007\u202f\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except (UnicodeError, ValueError):
        raise BadMailError("the address has no domain that can be called") from None


def message_id(reference: str, domain: str) -> str:
    """The same for every attempt, so that a reader sees a message that came twice once."""
    digest = hashlib.sha256(reference.encode()).hexdigest()
    return f"<{digest[:40]}@{domain}>"


def compose(
    message: Message,
    sender: Sender,
    recipient: str,
    now: datetime,
    link: str | None = None,
    frame: Frame = NO_FRAME,
) -> bytes:
    """The mail, its lines ending in CR LF; a click on `link` unsubscribes (RFC 8058).

    `frame` goes around words that are HTML as well. Raises BadMailError.
    """
    if _breaks(message.sender_name or ""):
        raise BadMailError("the sender's name has a line break or another control character")
    if _breaks(message.subject):
        raise BadMailError("the subject has a line break or another control character")
    if len(message.subject) > MAX_SUBJECT_CHARS:
        raise BadMailError("the subject is too long for a header")
    name = message.sender_name or sender.name
    text, page = message.body, None
    if message.html is not None:
        text = frame.text(text, name)
        page = frame.page(message.html, message.subject, message.language, name)
    content = content_of(text, page, message.attachments, message.reference)
    header = "".join(
        (
            address_field("From", name, sender.address),
            address_field("Reply-To", "", mailbox(message.reply_to)) if message.reply_to else "",
            address_field("To", "", recipient),
            text_field("Subject", message.subject),
            f"Date: {format_datetime(now)}\r\n",
            f"Message-ID: {message_id(message.reference, sender.domain)}\r\n",
            _unsubscribe(sender, link),
            # No machine answers it (RFC 3834).
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            content.header,
        )
    )
    check_header(header)
    return f"{header}\r\n{content.body}".encode("ascii")


def on_the_wire(mail: bytes) -> bytes:
    """The mail as it follows DATA: a dot in front of a line is doubled."""
    return _LINE_BEGINS_WITH_DOT.sub(b"..", mail)


def _unsubscribe(sender: Sender, link: str | None) -> str:
    by_mail = f"<mailto:{sender.address}?subject=unsubscribe>"
    if link is None:
        return f"List-Unsubscribe: {by_mail}\r\n"
    one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return f"List-Unsubscribe: <{link}>,\r\n {by_mail}\r\n{one_click}"


def check_header(header: str) -> None:
    """A finished header block has each of our fields once, in their order, and nothing else.

    Raises BadMailError: whatever put another line there, it must not leave.
    """
    names: list[str] = []
    for line in header.removesuffix("\r\n").split("\r\n"):
        found = _FIELD_LINE.fullmatch(line)
        if found is None or (found["name"] is None and not names):
            raise BadMailError("the header has a line that is no field of ours")
        if found["name"] is not None:
            names.append(found["name"])
    allowed = [one for one in FIELDS if one in names or one not in OPTIONAL_FIELDS]
    if names != allowed:
        raise BadMailError("the header has other fields than ours")


def _breaks(text: str) -> bool:
    return any(unicodedata.category(character) in BREAKING for character in text)
