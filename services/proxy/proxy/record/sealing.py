"""Whole requests, whole answers, and the answers of idempotency keys are sealed: they carry secrets
and patients' data that a record must not show.

AES-256-GCM with a key derived from the token signing keys; the newest seals, all of them open, so
that a rotation keeps what was stored. Without the key files a copy of the database tells nothing.
"""

import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.errors import NotRepeatable, UnknownRecord
from proxy.models import StoredRequest, StoredResponse, TransactionReport
from proxy.record.rows import Row

NONCE_BYTES = 12
_LENGTH_BYTES = 4
#: What was sealed as one thing cannot be opened as another.
_REQUEST = b"request "
_RESPONSE = b"response "
_KEY = b"idempotency key "
_REPORT = b"report "
_SECRET = b"secret "
_CONFIG = b"mediator's configuration "
_LOG_IN = b"log-in by token "


@dataclass(frozen=True)
class RequestCopy:
    """A request to the byte: what goes on to the mediator, without the caller's credentials."""

    raw_path: str
    raw_query: str = field(repr=False)
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class ResponseCopy:
    """A mediator's answer to the byte."""

    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)


class Sealer:
    """Turns copies into rows and back; `keys` gives the keys, oldest first."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def row(self, correlation_id: uuid.UUID, copy: RequestCopy) -> Row:
        """The columns of a StoredRequest; query, headers and body are one sealed text."""
        secret = _framed([copy.raw_query, copy.headers], copy.body)
        return {
            "correlation_id": correlation_id,
            "raw_path": copy.raw_path,
            "sealed": self._seal(secret, _REQUEST + correlation_id.bytes),
            "body": b"",
        }

    def open(self, stored: StoredRequest) -> RequestCopy:
        """The copy that a row holds. Raises NotRepeatable when its key is gone."""
        secret = self._opened(stored.sealed, _REQUEST + stored.correlation_id.bytes)
        if secret is None:
            return self._open_former(stored)
        (raw_query, headers), body = _unframed(secret)
        return RequestCopy(stored.raw_path, raw_query, _pairs(headers), body)

    def _open_former(self, stored: StoredRequest) -> RequestCopy:
        """A row of before bodies were sealed."""
        secret = self._opened(stored.sealed, stored.correlation_id.bytes)
        if secret is None:
            raise NotRepeatable("The key that this request was stored under is gone")
        raw_query, headers = json.loads(secret)
        return RequestCopy(stored.raw_path, raw_query, _pairs(headers), stored.body)

    def sealed_answer(
        self, correlation_id: uuid.UUID, headers: list[tuple[str, str]], body: bytes
    ) -> bytes:
        """The answer that an idempotency key gives again; it gives no cookie again."""
        kept = [pair for pair in headers if pair[0].lower() != "set-cookie"]
        return self._seal(_framed(kept, body), _KEY + correlation_id.bytes)

    def open_answer(
        self, correlation_id: uuid.UUID, sealed: bytes
    ) -> tuple[list[tuple[str, str]], bytes] | None:
        """Headers and body of such an answer; None when its key is gone."""
        secret = self._opened(sealed, _KEY + correlation_id.bytes)
        if secret is None:
            return None
        headers, body = _unframed(secret)
        return _pairs(headers), body

    def response_row(
        self, correlation_id: uuid.UUID, copy: ResponseCopy, expires_at: datetime
    ) -> Row:
        """The columns of a StoredResponse; headers and body are one sealed text."""
        secret = _framed(copy.headers, copy.body)
        return {
            "correlation_id": correlation_id,
            "status": copy.status,
            "sealed": self._seal(secret, _RESPONSE + correlation_id.bytes),
            "expires_at": expires_at,
        }

    def open_response(self, stored: StoredResponse) -> ResponseCopy:
        """The copy that a row holds. Raises UnknownRecord when its key is gone."""
        secret = self._opened(stored.sealed, _RESPONSE + stored.correlation_id.bytes)
        if secret is None:
            raise UnknownRecord("whole answer: the key that it was stored under is gone")
        headers, body = _unframed(secret)
        return ResponseCopy(stored.status, _pairs(headers), body)

    def report_row(self, correlation_id: uuid.UUID, part: int, document: dict[str, Any]) -> Row:
        """The columns of a TransactionReport."""
        context = _REPORT + correlation_id.bytes + part.to_bytes(4)
        sealed = self._seal(json.dumps(document).encode(), context)
        return {"correlation_id": correlation_id, "part": part, "sealed": sealed}

    def open_report(self, stored: TransactionReport) -> dict[str, Any] | None:
        """What such a row holds; None when its key is gone."""
        context = _REPORT + stored.correlation_id.bytes + stored.part.to_bytes(4)
        secret = self._opened(stored.sealed, context)
        return None if secret is None else json.loads(secret)

    def seal_secret(self, context: bytes, secret: dict[str, str]) -> bytes:
        """Secrets of a record that `context` names: credentials, keys."""
        return self._seal(json.dumps(secret).encode(), _SECRET + context)

    def open_secret(self, context: bytes, sealed: bytes) -> dict[str, str] | None:
        """The same again; None when its key is gone."""
        found = self._opened(sealed, _SECRET + context)
        return None if found is None else json.loads(found)

    def seal_config(self, mediator_id: uuid.UUID, secrets: Mapping[str, str]) -> bytes | None:
        """A mediator's passwords, by the masks that stand for them; None where there are none."""
        if not secrets:
            return None
        return self._seal(json.dumps(dict(secrets)).encode(), _CONFIG + mediator_id.bytes)

    def open_config(self, mediator_id: uuid.UUID, sealed: bytes | None) -> dict[str, str]:
        """Such passwords; none where their key is gone."""
        secret = self._opened(sealed, _CONFIG + mediator_id.bytes) if sealed else None
        found: dict[str, str] = json.loads(secret) if secret is not None else {}
        return found

    def sealed_log_in(self, client_id: str, log_in: str) -> bytes:
        """What a log-in by token is checked with."""
        return self._seal(log_in.encode(), _LOG_IN + client_id.encode())

    def open_log_in(self, client_id: str, sealed: bytes) -> str | None:
        """The same; None where its key is gone."""
        secret = self._opened(sealed, _LOG_IN + client_id.encode())
        return secret.decode() if secret is not None else None

    def _seal(self, secret: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._keys()[-1]).encrypt(nonce, secret, context)

    def _opened(self, sealed: bytes, context: bytes) -> bytes | None:
        """None where no key opens it."""
        for key in reversed(self._keys()):
            try:
                return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
            except InvalidTag:
                continue
        return None


def _framed(head: Any, body: bytes) -> bytes:
    """JSON after its length, then bytes as they are."""
    text = json.dumps(head).encode()
    return b"".join((len(text).to_bytes(_LENGTH_BYTES), text, body))


def _unframed(secret: bytes) -> tuple[Any, bytes]:
    end = _LENGTH_BYTES + int.from_bytes(secret[:_LENGTH_BYTES])
    return json.loads(secret[_LENGTH_BYTES:end]), secret[end:]


def _pairs(headers: list[list[str]]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers]
