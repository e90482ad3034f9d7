"""The shared token rests in the database sealed, for those only who hold the account's secret."""

import hashlib
from pathlib import Path

from common.sealing import KeyFolder, Sealer, is_sealed_text
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"esb token "


def account_name(*parts: str) -> str:
    """A name for one account at one token server: another one never sees its tokens."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class TokenSeal:
    """Seals texts under the key files of `folder`, bound to the account's secret; where there are
    none, under a key that is derived from the secret."""

    def __init__(self, folder: Path, secret: str) -> None:
        derivation = HKDF(SHA256(), length=32, salt=None, info=b"kiungo esb-relay token")
        key = derivation.derive(secret.encode())
        self._sealer = Sealer(KeyFolder(folder), lambda: [key])
        self._bound = hashlib.sha256(key).digest()

    def seal(self, text: str) -> str:
        """The text, unreadable."""
        return self._sealer.seal_text(_PURPOSE, self._bound, text)

    def open(self, sealed: str) -> str | None:
        """The text again; None when it was sealed otherwise, or with another secret."""
        if not is_sealed_text(sealed):
            return None
        return self._sealer.open_text(_PURPOSE, self._bound, sealed)
