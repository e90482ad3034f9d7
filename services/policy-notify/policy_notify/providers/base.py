"""What every provider does, and what it is given."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from policy_notify.models import NotificationType


@dataclass(frozen=True)
class Message:
    """One message to one number; `id` is the same however often it is handed over."""

    id: uuid.UUID
    type: NotificationType
    policy: uuid.UUID
    family: uuid.UUID
    recipient: str
    language: str
    text: str
    variables: Mapping[str, str]


class Provider(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    @property
    def is_repeatable(self) -> bool:
        """The far side drops a message that it was given before: handing over twice is safe."""

    def send(self, message: Message) -> None:
        """Hand the message over. Raises NotTaken, MaybeTaken."""
