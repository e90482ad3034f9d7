"""What requests to webhooks are signed with, and how it rests in the database.

Source: Standard Webhooks, "Signature scheme" and "Signing key".
"""

import base64
import hashlib
import hmac
import os
from pathlib import Path

from common.sealing import KeyFolder, Sealer

PREFIX = "whsec_"
SECRET_BYTES = 32
#: A key of its own for this purpose, whatever else the installation's secret may be used for.
PURPOSE = b"kiungo notification webhook 1:"


def new_secret() -> bytes:
    """256 bits for one receiver."""
    return os.urandom(SECRET_BYTES)


def as_text(secret: bytes) -> str:
    """`whsec_…`, as the receiver's library reads it."""
    return PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The field `webhook-signature`. Pure."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


class WebhookSeal:
    """Seals the secrets of receivers; `person` goes with them.

    Under the installation's key files; without any, as before there were some, under `secret`.
    """

    def __init__(self, folder: Path, secret: str) -> None:
        former = [hashlib.sha256(PURPOSE + secret.encode()).digest()] if secret else []
        self.sealer = Sealer(KeyFolder(folder), lambda: former)
        #: Whether there is a key at all.
        self.is_ready = bool(former) or self.sealer.has_keys

    def seal(self, person: tuple[str, str], secret: bytes) -> bytes:
        """The secret, unreadable, and of no use to another person's webhook."""
        return self.sealer.seal(PURPOSE, bound_to(person), secret)

    def open(self, person: tuple[str, str], sealed: bytes) -> bytes | None:
        """The secret again; None when its key is gone, or it was sealed for somebody else."""
        return self.sealer.open(PURPOSE, bound_to(person), sealed)


def bound_to(person: tuple[str, str]) -> bytes:
    """What a secret of this person's is bound to."""
    return "\n".join(person).encode()
