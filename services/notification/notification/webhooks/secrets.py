"""What requests to webhooks are signed with, and how it rests in the database.

Source: Standard Webhooks, "Signature scheme" and "Signing key".
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "whsec_"
SECRET_BYTES = 32
_NONCE_BYTES = 12
#: A key of its own for this purpose, whatever else the installation's secret may be used for.
_PURPOSE = b"kiungo notification webhook 1:"


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


@dataclass(frozen=True, slots=True)
class WebhookSeal:
    """Seals the secrets of receivers under the installation's own; `person` goes with them."""

    secret: str = field(repr=False)

    def seal(self, person: tuple[str, str], secret: bytes) -> bytes:
        """The secret, unreadable, and of no use to another person's webhook."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, secret, _context(person))

    def open(self, person: tuple[str, str], sealed: bytes) -> bytes | None:
        """The secret again; None when it was sealed under another one, or for somebody else."""
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, content, _context(person))
        except InvalidTag:
            return None

    def _cipher(self) -> AESGCM:
        return AESGCM(hashlib.sha256(_PURPOSE + self.secret.encode()).digest())


def _context(person: tuple[str, str]) -> bytes:
    return _PURPOSE + "\n".join(person).encode()
