"""An e-mail as bytes, and addresses that are safe to put on a line. Pure."""

import hashlib
import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from notification.transports.base import Message

#: What RFC 5321 calls a mailbox, without quoted local parts, comments and literals.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LINE_BEGINS_WITH_DOT = re.compile(rb"(?m)^\.")
#: Controls, line and paragraph separators: some reader may see a line end in any of them.
BREAKING = ("Cc", "Zl", "Zp")
MAX_ADDRESS_CHARS = 254
MAX_SUBJECT_CHARS = 998


class BadMailError(ValueError):
    """It cannot be sent as it is; the text says why, without quoting it."""


def mailbox(text: str) -> str:
    """`text` as an address on the wire: a domain of other letters in its ASCII form.

    Raises BadMailError.
    """
    local, _, domain = text.rpartition("@")
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise BadMailError("the address has no domain that can be called") from None
    if len(address) > MAX_ADDRESS_CHARS or not _MAILBOX.fullmatch(address):
        raise BadMailError("the address is not one that mail can be sent to")
    return address


def message_id(reference: str, domain: str) -> str:
    """The same for every attempt, so that a reader sees a message that came twice once."""
    digest = hashlib.sha256(reference.encode()).hexdigest()
    return f"<{digest[:40]}@{domain}>"


def compose(message: Message, sender: str, recipient: str, now: datetime) -> bytes:
    """The mail as it follows DATA: lines end in CR LF, a dot in front is doubled.

    Raises BadMailError.
    """
    if any(unicodedata.category(character) in BREAKING for character in message.subject):
        raise BadMailError("the subject has a line break or another control character")
    if len(message.subject) > MAX_SUBJECT_CHARS:
        raise BadMailError("the subject is too long for a header")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(addr_spec=sender)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(message.reference, sender.rpartition("@")[2])
    mail["List-Unsubscribe"] = f"<mailto:{sender}?subject=unsubscribe>"
    # No machine answers it (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body, charset="utf-8", cte=_encoding(message.body))
    return _LINE_BEGINS_WITH_DOT.sub(b"..", mail.as_bytes())


def _encoding(body: str) -> str:
    """Letters other than ASCII are few in most languages, and all of them in some."""
    foreign = sum(not character.isascii() for character in body)
    return "base64" if foreign * 3 > len(body) else "quoted-printable"
