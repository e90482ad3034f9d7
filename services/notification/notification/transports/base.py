"""What every way out has in common: a message in, an outcome back."""

import enum
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from notification.models import ChannelCode


class Outcome(enum.Enum):
    """What is known of an attempt."""

    SENT = enum.auto()  # the provider took it
    DELIVERED = enum.auto()  # it arrived: what a provider that is asked may know
    REFUSED_FOR_NOW = enum.auto()  # surely not taken; it may be tried again
    REFUSED_FOR_GOOD = enum.auto()  # it need not be tried again: not taken, or not by all numbers
    UNKNOWN = enum.auto()  # it may have been taken


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves: `to` holds numbers in E.164, or one e-mail address."""

    reference: str
    channel: ChannelCode
    to: tuple[str, ...] = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one message; `error` and `response` hold neither its words nor its number."""

    outcome: Outcome
    provider: str
    provider_message_id: str | None = None
    error: str | None = None
    response: Mapping[str, Any] | None = None
    retry_after_s: float | None = None
    #: Refused, but some of its numbers have it: nobody else may be tried.
    taken_in_part: bool = False

    @property
    def is_surely_not_taken(self) -> bool:
        """Whether sending it elsewhere cannot make two of it."""
        refused = self.outcome in (Outcome.REFUSED_FOR_NOW, Outcome.REFUSED_FOR_GOOD)
        return refused and not self.taken_in_part


class Sender(Protocol):
    """An open way out, for one batch."""

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send; the results stand in the messages' order. Never raises for a message."""


class Transport(Protocol):
    """A way out of one channel. Used by one thread at a time."""

    @property
    def channel(self) -> ChannelCode:
        """What it carries."""

    @property
    def slice_size(self) -> int:
        """How many messages go to one `send`: as many may be in doubt after a kill."""

    def batch(self) -> AbstractContextManager[Sender]:
        """Open the way for one batch (one SMTP connection, say); leaving closes it."""

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """What is known of a message in doubt that `provider` may have (None: any of them).

        SENT and REFUSED_FOR_GOOD end it; REFUSED_FOR_NOW: it surely is not there and may be sent
        again. None: nobody can say, or not now.
        """

    def close(self) -> None:
        """Let go of what stays open between batches; it opens again when it is used."""
