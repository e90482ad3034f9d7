"""Access tokens and staff sessions: signed with Ed25519, verified by every service on its own.

Keys are PEM files in one folder (mode 0600). The newest by name signs; all of them are published,
so that a rotated key's tokens stay valid until they end. `kid` is the key's RFC 7638 thumbprint.
"""

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from common.settings import SettingError
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The key as a JWK with its thumbprint as `kid`."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _b64url(raw)}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return {**members, "kid": _b64url(digest), "alg": ALGORITHM, "use": "sig"}


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name it is published under."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)


class TokenSigner:
    """Signs with the folder's newest key; is a KeySource for the proxy's own verification.

    The folder is read at first use: commands that need no key run without one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: list[SigningKey] = []
        self._storage_keys: list[bytes] = []
        self._grant_keys: list[bytes] = []
        self._client_token_keys: list[bytes] = []

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """The public key called `kid`."""
        return next((key.private.public_key() for key in self._loaded() if key.kid == kid), None)

    def jwks(self) -> dict[str, Any]:
        """The public keys, as published at `/.well-known/jwks.json`."""
        return {"keys": [public_jwk(key.private.public_key()) for key in self._loaded()]}

    def sign(
        self, subject: str, lifetime_s: int, *, audience: str = AUDIENCE, **claims: Any
    ) -> str:
        """A token for `subject` that ends after `lifetime_s`."""
        key = self._loaded()[-1]
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "exp": now + lifetime_s,
            **claims,
        }
        return jwt.encode(payload, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})

    def storage_keys(self) -> list[bytes]:
        """A 256-bit key for what is stored, derived from each signing key; oldest first."""
        if not self._storage_keys:
            self._storage_keys = self._derived(b"kiungo stored requests")
        return self._storage_keys

    def grant_keys(self) -> list[bytes]:
        """The same for the digests of one-time grants."""
        if not self._grant_keys:
            self._grant_keys = self._derived(b"kiungo call grants")
        return self._grant_keys

    def client_token_keys(self) -> list[bytes]:
        """The same for the digests of clients' custom tokens."""
        if not self._client_token_keys:
            self._client_token_keys = self._derived(b"kiungo client tokens")
        return self._client_token_keys

    def _derived(self, purpose: bytes) -> list[bytes]:
        return [_derive(key.private, purpose) for key in self._loaded()]

    def _loaded(self) -> list[SigningKey]:
        if not self._keys:
            self._keys = load_keys(self._folder)
        return self._keys


def load_keys(folder: Path) -> list[SigningKey]:
    """The keys of `folder` in the order of their names. Raises SettingError."""
    paths = sorted(folder.glob("*.pem"))
    if not paths:
        raise SettingError(f"TOKEN_KEYS_DIR holds no key (*.pem): {folder}")
    return [_load_key(path) for path in paths]


def _load_key(path: Path) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise SettingError(f"TOKEN_KEYS_DIR: {path.name} cannot be read as a PEM key") from exc
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingError(f"TOKEN_KEYS_DIR: {path.name} is not an Ed25519 key")
    return SigningKey(public_jwk(private.public_key())["kid"], private)


def create_key(folder: Path) -> Path:
    """Write a new key into `folder` with mode 0600; it signs from the next start on."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.urandom(3).hex()}.pem"
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return path


def _derive(key: Ed25519PrivateKey, purpose: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return kdf.derive(key.private_bytes_raw())


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
