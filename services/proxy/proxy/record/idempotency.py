"""`Idempotency-Key`: the first answer of a client's key is given again for 24 hours."""

import hashlib
import uuid
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database
from common.http.replies import Fields, Reply
from sqlalchemy import delete

from proxy.gateway.call import Call
from proxy.gateway.rejections import KeyAnswerNotKept, KeyInUse, KeyReused, Unreadable
from proxy.gateway.routing_table import RoutedClient
from proxy.models import IdempotencyKey
from proxy.record.rows import Row
from proxy.record.sealing import Sealer

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
MAX_KEY_CHARS = 255
#: The answer's columns before there is one.
NOT_ANSWERED: Row = {
    "response_status_code": None,
    "response_headers": None,
    "response_body": None,
}


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


def key_row(call: Call, client_name: str, key: str, digest: str, kept: Row = NOT_ANSWERED) -> Row:
    """The row that takes the key for this call; with `kept` it is answered already."""
    return {
        "client_name": client_name,
        "key": key,
        "request_digest": digest,
        "correlation_id": call.correlation_id,
        "created_at": call.started_at,
        **kept,
    }


def key_end_row(client_name: str, key: str, kept: Row) -> Row:
    """The answer that the key gives from now on."""
    return {"key_client_name": client_name, "key_key": key, **kept}


def kept_answer(
    sealer: Sealer, correlation_id: uuid.UUID, status: int, headers: Fields, body: bytes | None
) -> Row:
    """The answer's columns; `body` None: it was too large to keep."""
    sealed = None if body is None else sealer.sealed_answer(correlation_id, headers, body)
    return {**NOT_ANSWERED, "response_status_code": status, "response_body": sealed}


def earlier_answer(
    database: Database,
    sealer: Sealer,
    client: RoutedClient,
    key: str,
    digest: str,
    now: datetime | None = None,
) -> Reply | None:
    """The first answer under `key`, or None when this is the first call.

    Raises KeyReused, KeyInUse, KeyAnswerNotKept. A key older than `KEPT_FOR`, or of a former client
    of this name, is forgotten.
    """
    now = now or utc_now()
    with database.reading() as session:
        row = session.get(IdempotencyKey, (client.client_id, key))
    if row is None:
        return None
    if row.created_at < now - KEPT_FOR or row.created_at.timestamp() < client.since:
        _forget(database, row)
        return None
    if row.request_digest != digest:
        raise KeyReused
    if row.response_status_code is None:
        raise KeyInUse
    if row.response_body is None:
        raise KeyAnswerNotKept
    if row.response_headers is not None:  # of a former version, in clear
        headers = [(n, v) for n, v in row.response_headers if n.lower() != "content-length"]
        return Reply(row.response_status_code, headers, row.response_body)
    opened = sealer.open_answer(row.correlation_id, row.response_body)
    if opened is None:
        raise KeyAnswerNotKept
    return Reply(row.response_status_code, *opened)


def _forget(database: Database, row: IdempotencyKey) -> None:
    with database.writing() as session:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.client_name == row.client_name,
                IdempotencyKey.key == row.key,
                IdempotencyKey.created_at == row.created_at,
            )
        )
