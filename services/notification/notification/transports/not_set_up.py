"""A channel without settings: it refuses, and says which setting is missing.

For good: nothing changes before somebody sets it and starts the process anew, and a message that
fails now is seen now. `requeue` then sends what has failed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result
from notification.transports.gate import Gate


class NotSetUp:
    """The way that is not there."""

    slice_size = 100
    gates: Sequence[Gate] = ()

    def __init__(self, channel: ChannelCode, variable: str) -> None:
        self.channel = channel
        self._error = f"{channel} is not set up: {variable} is not set"

    @contextmanager
    def batch(self) -> Iterator["NotSetUp"]:
        """There is nothing to open."""
        yield self

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Refuse each."""
        rejection = Result(outcome=Outcome.REFUSED_FOR_GOOD, provider="none", error=self._error)
        return [rejection for _ in messages]

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """Nobody to ask."""
        return None

    def close(self) -> None:
        """Nothing is open."""
