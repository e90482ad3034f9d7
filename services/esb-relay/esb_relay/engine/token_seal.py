"""The shared token rests in the database under a key that only holders of the secret can make."""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_IV_BYTES = 12


def account_name(*parts: str) -> str:
    """A name for one account at one token server: another one never sees its tokens."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class TokenSeal:
    """Seals texts with AES-256-GCM under a key derived from the account's secret."""

    def __init__(self, secret: str) -> None:
        derivation = HKDF(SHA256(), length=32, salt=None, info=b"kiungo esb-relay token")
        self._cipher = AESGCM(derivation.derive(secret.encode()))

    def seal(self, text: str) -> str:
        """The text, unreadable."""
        iv = os.urandom(_IV_BYTES)
        return base64.b64encode(iv + self._cipher.encrypt(iv, text.encode(), None)).decode()

    def open(self, sealed: str) -> str | None:
        """The text again; None when it was sealed with another secret."""
        raw = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(raw[:_IV_BYTES], raw[_IV_BYTES:], None).decode()
        except InvalidTag:
            return None
