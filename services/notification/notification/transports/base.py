"""What every transport has in common: a message in, an outcome back."""

import enum
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from notification.mails.attachments import Attachment
from notification.models import ChannelCode
from notification.models.records import Record

if TYPE_CHECKING:
    from notification.transports.gate import Gate


class Outcome(enum.Enum):
    """What is known of an attempt."""

    SENT = enum.auto()  # the provider took it
    DELIVERED = enum.auto()  # it arrived: what a provider that is asked may know
    REFUSED_FOR_NOW = enum.auto()  # surely not taken; it may be tried again
    TRANSPORT_CLOSED = enum.auto()  # surely not taken, for no fault of its own: nothing passes now
    REFUSED_FOR_GOOD = enum.auto()  # it need not be tried again: not taken, or not by all numbers
    UNKNOWN = enum.auto()  # it may have been taken


class Message(Record, frozen=True):
    """What leaves: `to` holds numbers in E.164, or one e-mail address."""

    unshown = frozenset({"to", "subject", "body", "person", "html"})

    reference: str
    channel: ChannelCode
    to: tuple[str, ...]
    subject: str
    body: str
    #: Of an e-mail: whom it is for, who it says it is from, where answers go.
    person: tuple[str, str] | None = None
    sender_name: str | None = None
    reply_to: str | None = None
    #: The same words as HTML, their language, and files.
    html: str | None = None
    language: str = ""
    attachments: Sequence[Attachment] = ()
    #: Its id, and the number of the attempt.
    attempt: tuple[uuid.UUID, int] | None = None
    #: What it is about, for systems that read it.
    event_code: str = ""
    entity: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one number of a message with several: its place in `to`, its own id."""

    place: int
    message_id: str | None
    is_refused: bool = False
    reason: str | None = None


class Result(Record, frozen=True, kw_only=True):
    """What came of one message; `error` and `response` hold neither its words nor its number."""

    outcome: Outcome
    provider: str
    provider_message_id: str | None = None
    error: str | None = None
    response: Mapping[str, Any] | None = None
    retry_after_s: float | None = None
    #: Refused, but some of its numbers have it: nobody else may be tried.
    taken_in_part: bool = False
    #: Of a message with several numbers: as much as the provider says of each.
    parts: Sequence[Part] = ()
    #: Refused for good, and said of the address: not of us, nor of how we asked.
    is_about_address: bool = False
    #: What the provider asks for a segment, in ten-thousandths of the currency's unit.
    segment_price: int = 0
    #: The provider says "too many at once".
    is_too_fast: bool = False
    #: The provider failed: several of these in a row close the transport.
    is_failure: bool = False

    @property
    def closes_transport(self) -> bool:
        """Whether the provider shall be given nothing for a while."""
        return self.outcome is Outcome.TRANSPORT_CLOSED

    @property
    def is_surely_not_taken(self) -> bool:
        """Whether sending it elsewhere cannot make two of it."""
        return self.outcome in _NOT_TAKEN and not self.taken_in_part


_NOT_TAKEN = (Outcome.REFUSED_FOR_NOW, Outcome.TRANSPORT_CLOSED, Outcome.REFUSED_FOR_GOOD)


class Sender(Protocol):
    """An open transport, for one batch."""

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send; the results stand in the messages' order. Never raises for a message."""


class Transport(Protocol):
    """A transport of one channel. Used by one thread at a time."""

    @property
    def channel(self) -> ChannelCode:
        """What it carries."""

    @property
    def gates(self) -> Sequence["Gate"]:
        """What may close the transport; none: nothing does."""

    @property
    def slice_size(self) -> int:
        """How many messages go to one `send`: as many may be UNKNOWN after a kill."""

    def batch(self) -> AbstractContextManager[Sender]:
        """Open the way for one batch (one SMTP connection, say); leaving closes it."""

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """What is known of an UNKNOWN message that `provider` may have (None: any of them).

        SENT and REFUSED_FOR_GOOD end it; REFUSED_FOR_NOW: it surely is not there and may be sent
        again. None: nobody can say, or not now.
        """

    def close(self) -> None:
        """Let go of what stays open between batches; it opens again when it is used."""
