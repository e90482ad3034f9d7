"""Whole requests, whole answers, the answers of idempotency keys and the bodies of the record are
sealed: they carry secrets and patients' data that a copied database must not show.

How, `common.sealing` says; here is what, and what each is bound to. Rows of before there were key
files open with keys that are derived from the token signing keys.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common import sealing
from common.db.sealed_texts import TextSealer
from common.texts import _

from proxy.errors import NotRepeatable, UnknownRecord
from proxy.models import StoredRequest, StoredResponse, TransactionReport
from proxy.models.sealed import (
    DIFFERENCES,
    REJECTIONS,
    REQUEST_HEADS,
    RESPONSE_HEADS,
    TRANSACTION_TEXTS,
    said_of,
)
from proxy.record.rows import Row

_LENGTH_BYTES = 4
#: What was sealed as one thing cannot be opened as another.
_REQUEST = b"request "
WHOLE_REQUEST = b"whole request "
RESPONSE = b"response "
KEY = b"idempotency key "
REPORT = b"report "
SECRET = b"secret "
CONFIG = b"mediator's configuration "
LOG_IN = b"log-in by token "


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
    """Turns copies into rows and back; `texts` are addresses, headers and bodies of the record."""

    def __init__(self, core: sealing.Sealer, *, seals_bodies: bool = True) -> None:
        self.core = core
        self.texts = TextSealer(core, seals_bodies)

    def seal_bodies(self, row: Row, literal: str = "") -> Row:
        """A row of a transaction, or of its end, with its address, headers and bodies sealed in
        place. `literal` is the start that all paths of its channel share.
        """
        key = self.texts.key()
        if key is None:
            return row
        bound = (row.get("key_correlation_id") or row["correlation_id"]).bytes
        TRANSACTION_TEXTS.seal(row, key, bound)
        if "request_url" in row:
            said = said_of(row["request_url"], literal)
            REQUEST_HEADS.seal(row, key, bound)
            row["request_url"] = said
        if "response_headers" in row:
            RESPONSE_HEADS.seal(row, key, bound)
        return row

    def seal_rejection(self, row: Row) -> Row:
        """A row of a Rejection, sealed in place."""
        REJECTIONS.seal_row(self.texts, row)
        return row

    def seal_difference(self, row: Row) -> Row:
        """A row of a ShadowDifference, sealed in place."""
        DIFFERENCES.seal_row(self.texts, row)
        return row

    def row(self, correlation_id: uuid.UUID, copy: RequestCopy) -> Row:
        """The columns of a StoredRequest; path, query, headers and body are one sealed text.

        Without key files the path stands beside it, as the version before reads it.
        """
        is_whole = self.core.has_keys
        head = [copy.raw_query, copy.headers, *([copy.raw_path] if is_whole else [])]
        purpose = WHOLE_REQUEST if is_whole else _REQUEST
        return {
            "correlation_id": correlation_id,
            "raw_path": "" if is_whole else copy.raw_path,
            "sealed": self.core.seal(purpose, correlation_id.bytes, _framed(head, copy.body)),
            "body": b"",
        }

    def open(self, stored: StoredRequest) -> RequestCopy:
        """The copy that a row holds. Raises NotRepeatable when its key is gone."""
        purpose = _REQUEST if stored.raw_path else WHOLE_REQUEST
        secret = self.core.open(purpose, stored.correlation_id.bytes, stored.sealed)
        if secret is None:
            return self._open_former(stored)
        (raw_query, headers, *path), body = _unframed(secret)
        return RequestCopy(path[0] if path else stored.raw_path, raw_query, _pairs(headers), body)

    def _open_former(self, stored: StoredRequest) -> RequestCopy:
        """A row of before bodies were sealed."""
        secret = self.core.open(b"", stored.correlation_id.bytes, stored.sealed)
        if secret is None:
            raise NotRepeatable(_("The key that this request was stored under is gone"))
        raw_query, headers = json.loads(secret)
        return RequestCopy(stored.raw_path, raw_query, _pairs(headers), stored.body)

    def sealed_answer(
        self, correlation_id: uuid.UUID, headers: list[tuple[str, str]], body: bytes
    ) -> bytes:
        """The answer that an idempotency key gives again; it gives no cookie again."""
        kept = [pair for pair in headers if pair[0].lower() != "set-cookie"]
        return self.core.seal(KEY, correlation_id.bytes, _framed(kept, body))

    def open_answer(
        self, correlation_id: uuid.UUID, sealed: bytes
    ) -> tuple[list[tuple[str, str]], bytes] | None:
        """Headers and body of such an answer; None when its key is gone."""
        secret = self.core.open(KEY, correlation_id.bytes, sealed)
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
            "sealed": self.core.seal(RESPONSE, correlation_id.bytes, secret),
            "expires_at": expires_at,
        }

    def open_response(self, stored: StoredResponse) -> ResponseCopy:
        """The copy that a row holds. Raises UnknownRecord when its key is gone."""
        secret = self.core.open(RESPONSE, stored.correlation_id.bytes, stored.sealed)
        if secret is None:
            raise UnknownRecord("whole answer: the key that it was stored under is gone")
        headers, body = _unframed(secret)
        return ResponseCopy(stored.status, _pairs(headers), body)

    def report_row(self, correlation_id: uuid.UUID, part: int, document: dict[str, Any]) -> Row:
        """The columns of a TransactionReport."""
        bound = correlation_id.bytes + part.to_bytes(4)
        sealed = self.core.seal(REPORT, bound, json.dumps(document).encode())
        return {"correlation_id": correlation_id, "part": part, "sealed": sealed}

    def open_report(self, stored: TransactionReport) -> dict[str, Any] | None:
        """What such a row holds; None when its key is gone."""
        bound = stored.correlation_id.bytes + stored.part.to_bytes(4)
        secret = self.core.open(REPORT, bound, stored.sealed)
        return None if secret is None else json.loads(secret)

    def seal_secret(self, context: bytes, secret: dict[str, str]) -> bytes:
        """Secrets of a record that `context` names: credentials, keys."""
        return self.core.seal(SECRET, context, json.dumps(secret).encode())

    def open_secret(self, context: bytes, sealed: bytes) -> dict[str, str] | None:
        """The same again; None when its key is gone."""
        found = self.core.open(SECRET, context, sealed)
        return None if found is None else json.loads(found)

    def seal_config(self, mediator_id: uuid.UUID, secrets: Mapping[str, str]) -> bytes | None:
        """A mediator's passwords, by the masks that stand for them; None where there are none."""
        if not secrets:
            return None
        return self.core.seal(CONFIG, mediator_id.bytes, json.dumps(dict(secrets)).encode())

    def open_config(self, mediator_id: uuid.UUID, sealed: bytes | None) -> dict[str, str]:
        """Such passwords; none where their key is gone."""
        secret = self.core.open(CONFIG, mediator_id.bytes, sealed) if sealed else None
        found: dict[str, str] = json.loads(secret) if secret is not None else {}
        return found

    def sealed_log_in(self, client_id: str, log_in: str) -> bytes:
        """What a log-in by token is checked with."""
        return self.core.seal(LOG_IN, client_id.encode(), log_in.encode())

    def open_log_in(self, client_id: str, sealed: bytes) -> str | None:
        """The same; None where its key is gone."""
        secret = self.core.open(LOG_IN, client_id.encode(), sealed)
        return secret.decode() if secret is not None else None


def _framed(head: Any, body: bytes) -> bytes:
    """JSON after its length, then bytes as they are."""
    text = json.dumps(head).encode()
    return b"".join((len(text).to_bytes(_LENGTH_BYTES), text, body))


def _unframed(secret: bytes) -> tuple[Any, bytes]:
    end = _LENGTH_BYTES + int.from_bytes(secret[:_LENGTH_BYTES])
    return json.loads(secret[_LENGTH_BYTES:end]), secret[end:]


def _pairs(headers: list[list[str]]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers]
