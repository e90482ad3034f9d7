"""A device with a passkey, as software for tests: what a browser gives to the page's script."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, CREDENTIAL = 0x01, 0x04, 0x40


@dataclass
class SoftwarePasskey:
    """One key; `flags` say whether somebody was there, and was seen to be who they are."""

    origin: str
    host: str
    user: bytes = b""
    count: int = 0
    flags: int = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    def made(self, options: dict[str, Any]) -> str:
        """The answer to options that ask for a passkey."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        length = len(self.credential_id).to_bytes(2)
        credential = bytes(16) + length + self.credential_id + encode_cbor(public)
        data = self._data(CREDENTIAL) + credential
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=attestation,
        )

    def signed(self, options: dict[str, Any]) -> str:
        """The answer to options that ask who it is."""
        self.count += 1
        data, client_data = self._data(), self._client_data("webauthn.get", options)
        digest = hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=self.key.sign(data + digest, ec.ECDSA(SHA256())),
            userHandle=self.user,
        )

    def _data(self, more: int = 0) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([self.flags | more]) + self.count.to_bytes(4)

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.credential_id)
        spelled = {key: bytes_to_base64url(value) for key, value in response.items() if value}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": spelled})
