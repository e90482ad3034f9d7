"""`console` and `file`: transports for development; nothing leaves the machine."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from common.clock import utc_now

from notification.transports.base import Message, Outcome, Result


class Console:
    """Prints each message on standard output."""

    name = "console"
    segment_price = 0

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Always taken."""
        for message in messages:
            sys.stdout.write(f"SMS to {', '.join(message.to)}: {message.body}\n")
        sys.stdout.flush()
        return [Result(outcome=Outcome.SENT, provider=self.name) for _ in messages]

    def ask(self, message: Message) -> Result | None:
        """Nobody knows what was printed."""
        return None

    def close(self) -> None:
        """Nothing is open."""


class Files:
    """A folder with one file per message; it can be asked, as a provider can."""

    name = "file"
    segment_price = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Taken when the file is there, whole."""
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Result:
        name = f"{utc_now():%Y%m%dT%H%M%S.%f}-{_digest(message)}.txt"
        draft = self._folder / f".{name}"
        text = f"To: {', '.join(message.to)}\nReference: {message.reference}\n\n{message.body}\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            os.replace(draft, self._folder / name)
        except OSError as exc:
            error = f"the file cannot be written ({exc.strerror})"
            return Result(outcome=Outcome.REFUSED_FOR_NOW, provider=self.name, error=error)
        return Result(outcome=Outcome.SENT, provider=self.name, provider_message_id=name)

    def ask(self, message: Message) -> Result | None:
        """Whether there is a file with the message's reference."""
        found = next(self._folder.glob(f"[0-9]*-{_digest(message)}.txt"), None)
        if found is None:
            error = "there is no such file"
            return Result(outcome=Outcome.REFUSED_FOR_NOW, provider=self.name, error=error)
        return Result(outcome=Outcome.SENT, provider=self.name, provider_message_id=found.name)

    def close(self) -> None:
        """Nothing is open."""


def _digest(message: Message) -> str:
    return hashlib.sha256(message.reference.encode()).hexdigest()[:24]
