"""Where a message goes: what a caller wrote into an address field, read before anything is queued.

Pure.
"""

from collections.abc import Sequence

from common.phones import plain_phone, read_phones

from notification.emit.event import Recipient
from notification.models import ChannelCode
from notification.models.records import Record
from notification.transports.mail import BadMailError, mailbox, trimmed


class Address(Record, frozen=True):
    """What a message is sent to: numbers in E.164, comma-separated, or one e-mail address.

    `refused` says of each part that was left out why. Without `to` and `refused` there was nothing
    to read: such a message is queued, and fails where somebody sees it.
    """

    unshown = frozenset({"to"})

    to: str | None = None
    refused: Sequence[str] = ()

    @property
    def is_unusable(self) -> bool:
        """Something stands there, and nothing can be sent to it."""
        return self.to is None and bool(self.refused)


NOWHERE = Address()


def address_of(recipient: Recipient, channel: ChannelCode, region: str) -> Address:
    """Where a person's message over `channel` goes; `region`: of numbers without a country code."""
    if channel is ChannelCode.SMS:
        return _phone(recipient.to_phone, region)
    return _email(recipient.to_email) if channel is ChannelCode.EMAIL else NOWHERE


def _phone(text: str | None, region: str) -> Address:
    plain = plain_phone(text, region) if text else None
    if plain is not None:
        return Address(plain)
    found = read_phones(text, region)
    reasons = dict.fromkeys(f"No number in to_phone: {one.reason}" for one in found.refused)
    return Address(",".join(found.numbers) or None, tuple(reasons))


def _email(text: str | None) -> Address:
    written = trimmed(text or "")
    if not written:
        return NOWHERE
    try:
        mailbox(written)
    except BadMailError as exc:
        return Address(None, (f"No address in to_email: {exc}",))
    return Address(written)
