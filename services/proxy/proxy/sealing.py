"""Stored requests are sealed: a query and headers may carry secrets that a record must not show.

AES-256-GCM with a key derived from the token signing keys; the newest seals, all of them open, so
that a rotation keeps what was stored. Without the key files a copy of the database tells nothing.
"""

import json
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.errors import NotRepeatable
from proxy.gateway.recording import Row
from proxy.models import StoredRequest

NONCE_BYTES = 12


@dataclass(frozen=True)
class RequestCopy:
    """A request to the byte: what goes on to the mediator, without the caller's credentials."""

    raw_path: str
    raw_query: str = field(repr=False)
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)


class Sealer:
    """Turns request copies into rows and back; `keys` gives the keys, oldest first."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def row(self, correlation_id: uuid.UUID, copy: RequestCopy) -> Row:
        """The columns of a StoredRequest."""
        secret = json.dumps([copy.raw_query, copy.headers]).encode()
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys()[-1]).encrypt(nonce, secret, correlation_id.bytes)
        return {
            "correlation_id": correlation_id,
            "raw_path": copy.raw_path,
            "sealed": nonce + sealed,
            "body": copy.body,
        }

    def open(self, stored: StoredRequest) -> RequestCopy:
        """The copy that a row holds. Raises NotRepeatable when its key is gone."""
        nonce, sealed = stored.sealed[:NONCE_BYTES], stored.sealed[NONCE_BYTES:]
        for key in reversed(self._keys()):
            try:
                secret = AESGCM(key).decrypt(nonce, sealed, stored.correlation_id.bytes)
            except InvalidTag:
                continue
            raw_query, headers = json.loads(secret)
            pairs = [(str(name), str(value)) for name, value in headers]
            return RequestCopy(stored.raw_path, raw_query, pairs, stored.body)
        raise NotRepeatable("The key that this request was stored under is gone")
