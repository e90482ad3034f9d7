"""TextNotificationProvider: one file `SMSMessage_<n>.txt` per message, for tests and try-outs."""

import os
import re
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.providers.base import Message

NAME = "TextNotificationProvider"
DEFAULT_FOLDER = "sent_notification"
_NUMBERED = re.compile(r"SMSMessage_(\d+)\.txt")


@dataclass
class TextFiles:
    """A folder of messages; several processes may write into it.

    A file holds the message's text and nothing else; `with_recipient` puts its number above it.
    """

    folder: Path
    with_recipient: bool = False
    name: str = NAME
    is_repeatable: bool = False
    _next: int = 0

    def send(self, message: Message) -> None:
        """Write the file under the next free number, whole or not at all. Raises NotTaken."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = self._draft(self._content(message))
        except OSError as exc:
            raise NotTaken(f"the file cannot be written ({exc.strerror})") from exc
        try:
            self._publish(draft)
        except OSError as exc:
            raise MaybeTaken(f"the file may be incomplete ({exc.strerror})") from exc
        finally:
            draft.unlink(missing_ok=True)

    def _content(self, message: Message) -> str:
        above = f"To: {message.recipient}\n\n" if self.with_recipient else ""
        return f"{above}{message.text}\n" if above else message.text

    def _draft(self, text: str) -> Path:
        handle, name = tempfile.mkstemp(prefix=".draft-", dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)

    def _publish(self, draft: Path) -> None:
        """A link fails where the name is taken: no writer overwrites another's file."""
        self._next = self._next or self._highest() + 1
        for number in count(self._next):
            try:
                os.link(draft, self.folder / f"SMSMessage_{number}.txt")
            except FileExistsError:
                continue
            self._next = number + 1
            return

    def _highest(self) -> int:
        found = (_NUMBERED.fullmatch(name) for name in os.listdir(self.folder))
        return max((int(match[1]) for match in found if match), default=0)
