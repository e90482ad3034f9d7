"""`Idempotency-Key`: the first answer of a client's key is given again for 24 hours."""

import hashlib
from datetime import datetime, timedelta

from common.clock import utc_now
from common.database import Database
from sqlalchemy import delete

from proxy.gateway.call import Call
from proxy.gateway.recording import Row
from proxy.gateway.refusals import KeyAnswerNotKept, KeyInUse, KeyReused, Unreadable
from proxy.gateway.replies import Headers, Reply
from proxy.models import IdempotencyKey

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
MAX_KEY_CHARS = 255


def key_of(call: Call) -> str | None:
    """The call's key. Raises Unreadable when it is too long."""
    key = call.headers.get(HEADER, "").strip()
    if len(key) > MAX_KEY_CHARS:
        raise Unreadable(f"{HEADER} is longer than {MAX_KEY_CHARS} characters")
    return key or None


def digest_of(call: Call, body: bytes) -> str:
    """What makes two requests the same: method, target and body."""
    start = f"{call.method}\n{call.raw_target}\n".encode("utf-8", "surrogateescape")
    return hashlib.sha256(start + body).hexdigest()


def key_row(call: Call, client_name: str, key: str, digest: str, reply: Reply | None = None) -> Row:
    """The row that takes the key for this call; with `reply` it is answered already."""
    return {
        "client_name": client_name,
        "key": key,
        "request_digest": digest,
        "correlation_id": call.correlation_id,
        "created_at": call.started_at,
        **answered(reply.status if reply else None, reply.headers if reply else None, reply),
    }


def key_end_row(
    client_name: str, key: str, status: int, headers: Headers, body: bytes | None
) -> Row:
    """The answer that the key gives from now on; `body` None: it was too large to keep."""
    return {
        "key_client_name": client_name,
        "key_key": key,
        "response_status_code": status,
        "response_headers": [list(pair) for pair in headers],
        "response_body": body,
    }


def answered(status: int | None, headers: Headers | None, reply: Reply | None) -> Row:
    """The answer's columns."""
    return {
        "response_status_code": status,
        "response_headers": [list(pair) for pair in headers] if headers is not None else None,
        "response_body": b"".join(reply.body) if reply else None,
    }


def earlier_answer(
    database: Database, client_name: str, key: str, digest: str, now: datetime | None = None
) -> Reply | None:
    """The first answer under `key`, or None when this is the first call.

    Raises KeyReused, KeyInUse, KeyAnswerNotKept. A key older than `KEPT_FOR` is forgotten.
    """
    now = now or utc_now()
    with database.reading() as session:
        row = session.get(IdempotencyKey, (client_name, key))
    if row is None:
        return None
    if row.created_at < now - KEPT_FOR:
        _forget(database, row)
        return None
    if row.request_digest != digest:
        raise KeyReused
    if row.response_status_code is None:
        raise KeyInUse
    if row.response_body is None:
        raise KeyAnswerNotKept
    headers = [(name, value) for name, value in row.response_headers or []]
    return Reply(row.response_status_code, headers, [row.response_body])


def _forget(database: Database, row: IdempotencyKey) -> None:
    with database.writing() as session:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.client_name == row.client_name,
                IdempotencyKey.key == row.key,
                IdempotencyKey.created_at == row.created_at,
            )
        )
