"""What comes back of e-mails: failures (RFC 3464), complaints (RFC 5965), providers' hooks. Pure.

A report says which of our return paths it is about; whether one is ours, its signature tells.
"""

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses

from notification.transports.sms.dialect import fields, objects, read_json

#: Of a report, no more addresses are looked at.
MAX_ADDRESSES = 50
#: What counts stands in front of the mail that came back.
MAX_READ_BYTES = 100_000
#: Ours has few; what is nested deeply takes long to read.
MAX_NESTED = 30
#: Statuses (RFC 3463) that say: nobody is there. Not those of the sender's address, nor a full box.
_OF_ADDRESS = re.compile(r"5\.(1\.([0-6]|10)|2\.[01])")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_NESTED = re.compile(rb"(?i)multipart/|message/")
#: What people complain with; others tell of signatures, or take a complaint back.
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out"})
#: Where a message says whom it was brought to, and from where it came back.
_ENVELOPE_FIELDS = ("Delivered-To", "X-Original-To", "Return-Path", "To")


class Kind(enum.StrEnum):
    """What a report says of an e-mail."""

    BOUNCE = "bounce"  # it was not delivered, and will not be
    DELIVERY = "delivery"  # it was
    COMPLAINT = "complaint"  # its reader calls it spam


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `addresses` are those it may be about, `status` as in RFC 3463 or the like."""

    kind: Kind
    addresses: Sequence[str] = field(repr=False)
    status: str | None = None

    @property
    def is_about_address(self) -> bool:
        """Nobody has this address: of no other failure it is known that the next one fails, too."""
        return self.kind is Kind.BOUNCE and bool(_OF_ADDRESS.fullmatch(self.status or ""))


def read_mail(mail: bytes, brought_to: Sequence[str] = ()) -> Report | None:
    """The report that a mail is; None: it is none, or says nothing final.

    `brought_to`: the addresses of its envelope, where the mail server told them.
    """
    begin = mail[:MAX_READ_BYTES]
    if len(_NESTED.findall(begin)) > MAX_NESTED:
        return None
    message = message_from_bytes(begin)
    parts = _parts(message)
    found = _failure(parts.get("message/delivery-status")) or _complaint(
        parts.get("message/feedback-report")
    )
    if found is None:
        return None
    kind, status, named = found
    returned = map(parts.get, ("message/rfc822", "text/rfc822-headers"))
    headers = [message, *(_held(one) for one in returned if one is not None)]
    written = [one for header in headers for one in _addresses(header, _ENVELOPE_FIELDS)]
    return Report(kind, [*brought_to, *named, *written][:MAX_ADDRESSES], status)


def _parts(message: Message) -> dict[str, Message]:
    """The parts of a report (RFC 6522), by their types; nothing of any other mail."""
    payload = message.get_payload()
    if message.get_content_type() != "multipart/report" or not isinstance(payload, list):
        return {}
    return {one.get_content_type(): one for one in payload if isinstance(one, Message)}


def _held(part: Message) -> Message:
    """The message, or the header fields, that a part is about."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return next((one for one in payload if isinstance(one, Message)), Message())
    return message_from_bytes(str(payload).encode(errors="replace"))


_Found = tuple[Kind, str | None, list[str]]


def _failure(part: Message | None) -> _Found | None:
    """A delivery status; of several recipients all must have failed."""
    groups = part.get_payload() if part is not None and part.is_multipart() else []
    of_people = [one for one in groups if isinstance(one, Message) and one["Action"]]
    actions = {str(one["Action"]).strip().lower() for one in of_people}
    if actions == {"delivered"}:
        return Kind.DELIVERY, None, []
    if actions != {"failed"}:
        return None
    return Kind.BOUNCE, _status(str(of_people[0]["Status"])), []


def _complaint(part: Message | None) -> _Found | None:
    if part is None:
        return None
    said = _held(part)
    type_ = str(said["Feedback-Type"] or "").strip().lower()
    if type_ not in _COMPLAINTS:
        return None
    return Kind.COMPLAINT, type_, _addresses(said, ["Original-Mail-From"])


def _addresses(message: Message, names: Iterable[str]) -> list[str]:
    written = [str(one) for name in names for one in message.get_all(name, [])]
    return [address for _name, address in getaddresses(written) if address]


def _status(text: str) -> str | None:
    found = _STATUS.search(text)
    return found[1] if found else None


def read_hook(body: bytes) -> Iterator[Report]:
    """The reports of a provider's hook: an object, or a list of them. Raises Invalid.

    `{"kind": "bounce", "return_path": "…", "status": "5.1.1"}`.
    """
    found = read_json(body)
    for one in objects(found) or [fields(found)]:
        kind, address, status = one.get("kind"), one.get("return_path"), one.get("status")
        if kind in list(Kind) and isinstance(address, str):
            yield Report(Kind(kind), [address], _status(str(status)))
