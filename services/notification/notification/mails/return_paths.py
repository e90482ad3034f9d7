"""Where failures of an e-mail are sent back to: an address of its own, signed (VERP).

The local part survives servers that change letter case: base32 of the message's id, the number
of the attempt, and a MAC that only this installation can make.
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from dataclasses import dataclass, field

PREFIX = "bounce-"
_ATTEMPT_BYTES, _MAC_BYTES = 2, 12
#: A key of its own for this purpose, whatever else the secret may be used for.
_PURPOSE = b"kiungo notification return path 1:"

Attempt = tuple[uuid.UUID, int]
"""A message's id, and the number of the attempt in its delivery log."""


@dataclass(frozen=True, slots=True)
class ReturnPaths:
    """Makes and reads the addresses; mail for `domain` comes to the intake."""

    domain: str
    secret: str = field(repr=False)

    def address(self, message_id: uuid.UUID, attempt_no: int) -> str:
        """Where a server sends what it has to say of this attempt: at most 60 characters and @."""
        content = message_id.bytes + attempt_no.to_bytes(_ATTEMPT_BYTES)
        token = base64.b32encode(content + self._mac(content)).decode().rstrip("=").lower()
        return f"{PREFIX}{token}@{self.domain}"

    def attempt(self, address: str) -> Attempt | None:
        """Which attempt an address is of; None: no address of ours."""
        local, _, domain = address.strip().strip("<>").rpartition("@")
        if domain.lower() != self.domain or not local.lower().startswith(PREFIX):
            return None
        token = local[len(PREFIX) :].upper()
        try:
            found = base64.b32decode(token + "=" * (-len(token) % 8))
        except (binascii.Error, ValueError):
            return None
        content, mac = found[:-_MAC_BYTES], found[-_MAC_BYTES:]
        is_ours = len(content) == 16 + _ATTEMPT_BYTES
        if not is_ours or not hmac.compare_digest(mac, self._mac(content)):
            return None
        return uuid.UUID(bytes=content[:16]), int.from_bytes(content[16:])

    def _mac(self, content: bytes) -> bytes:
        key = hashlib.sha256(_PURPOSE + self.secret.encode()).digest()
        return hmac.digest(key, content, "sha256")[:_MAC_BYTES]
