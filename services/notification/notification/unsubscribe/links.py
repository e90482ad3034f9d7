"""Links that only this installation can make, and that say nothing of the person to others."""

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notification.catalogue.preferences import Person

PATH = "/api/notification/unsubscribe"
_NONCE_BYTES = 12
#: A key of its own for this purpose, whatever else the secret may be used for.
_PURPOSE = b"kiungo notification unsubscribe 1:"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the links; `base` is where this installation is reached from outside."""

    base: str
    secret: str = field(repr=False)

    def link(self, person: Person) -> str:
        """Where a click unsubscribes `person` from e-mails."""
        content = json.dumps(person, separators=(",", ":")).encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher().encrypt(nonce, content, _PURPOSE)
        token = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return f"{self.base.rstrip('/')}{PATH}/{token}/"

    def person(self, token: str) -> Person | None:
        """Whom a link's token is about; None: no link of ours."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            content = self._cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
        except (InvalidTag, ValueError, binascii.Error):
            return None
        user_id, actor_type = json.loads(content)
        return user_id, actor_type

    def _cipher(self) -> AESGCM:
        return AESGCM(hashlib.sha256(_PURPOSE + self.secret.encode()).digest())
