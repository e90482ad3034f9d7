"""What every provider does, and what it is given."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from policy_notify.models import NotificationType, PaymentText


@dataclass(frozen=True)
class Message:
    """One message to one number; `id` is the same however often it is handed over.

    `spoken_as`: the type in whose words it is said, where its own speak of a day that is past.
    `payment`: what a message about a payment is about; it may concern no policy or family.
    """

    id: uuid.UUID
    type: NotificationType | PaymentText
    policy: uuid.UUID | None
    family: uuid.UUID | None
    recipient: str
    language: str
    text: str
    variables: Mapping[str, str]
    spoken_as: NotificationType | None = None
    payment: uuid.UUID | None = None


class Provider(Protocol):
    """What sends messages for us."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    @property
    def is_repeatable(self) -> bool:
        """The far side drops a message that it was given before: handing over twice is safe."""

    def send(self, message: Message) -> None:
        """Hand the message over. Raises NotTaken, MaybeTaken."""
