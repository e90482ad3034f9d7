"""What of the proxy's is sealed: the columns that `reseal` looks at."""

import base64
import json
import uuid
from typing import Any, cast

from common.resealing import SealedColumn, Values
from common.sealing import Sealer as Core
from sqlalchemy import Column, ColumnElement, Table, func

from proxy.errors import NotRepeatable
from proxy.models import (
    Channel,
    ChannelVersion,
    Client,
    IdempotencyKey,
    Mediator,
    StaffUser,
    StoredRequest,
    StoredResponse,
    TransactionField,
    TransactionReport,
)
from proxy.models.sealed import SEALED_GROUPS, TRANSACTION_TEXTS
from proxy.record import sealing
from proxy.record.indexed_fields import digested_anew
from proxy.record.sealing import Sealer


def _call(row: Any) -> bytes:
    return cast(uuid.UUID, row.correlation_id).bytes


def sealed_columns(sealer: Sealer) -> list[SealedColumn]:
    """All of them."""
    reports, keys = _table(TransactionReport), _table(IdempotencyKey)
    return [
        *_secrets(sealer.core),
        *TRANSACTION_TEXTS.columns(),
        *(column for group in SEALED_GROUPS for column in group.columns(sealer.core)),
        SealedColumn(
            _table(StoredRequest),
            "sealed",
            b"",
            _call,
            ("raw_path", "body"),
            rewrite=lambda row: _request(sealer, row),
            only=lambda table: table.c.raw_path != "",
        ),
        SealedColumn(
            _table(StoredRequest),
            "sealed",
            sealing.WHOLE_REQUEST,
            _call,
            only=lambda table: table.c.raw_path == "",
        ),
        SealedColumn(_table(StoredResponse), "sealed", sealing.RESPONSE, _call),
        SealedColumn(
            reports, "sealed", sealing.REPORT, lambda row: _call(row) + row.part.to_bytes(4)
        ),
        SealedColumn(
            _table(TransactionField),
            "sealed",
            b"",
            _call,
            rewrite=lambda row: digested_anew(sealer, row),
            only=lambda table: _is_not_under(sealer.core.newest_head(), table.c.sealed),
        ),
        SealedColumn(
            keys,
            "response_body",
            sealing.KEY,
            _call,
            ("correlation_id",),
            only=lambda table: table.c.response_headers.is_(None),
        ),
    ]


def _is_not_under(head: bytes, column: Column[Any]) -> ColumnElement[bool]:
    return func.substr(column, 1, len(head)) != head


def _secrets(core: Core) -> list[SealedColumn]:
    mediators, channels = _table(Mediator), _table(Channel)
    return [
        SealedColumn(mediators, "sealed_config", sealing.CONFIG, lambda row: row.id.bytes),
        SealedColumn(
            mediators, "sealed_secrets", sealing.SECRET, lambda row: b"mediator " + row.id.bytes
        ),
        SealedColumn(
            _table(StaffUser),
            "sealed_totp",
            sealing.SECRET,
            lambda row: b"authenticator app " + row.id.bytes,
        ),
        SealedColumn(
            _table(Client),
            "sealed_log_in",
            sealing.LOG_IN,
            lambda row: row.client_id.encode(),
            ("client_id",),
        ),
        SealedColumn(
            channels,
            "routes",
            sealing.SECRET,
            lambda row: row.id.bytes,
            rewrite=lambda row: _routes(core, row.id, json.loads(row.stored)),
        ),
        SealedColumn(
            _table(ChannelVersion),
            "document",
            sealing.SECRET,
            lambda row: row.channel_id.bytes,
            rewrite=lambda row: _version(core, row),
        ),
    ]


def _request(sealer: Sealer, row: Any) -> Values | None:
    """A stored request of before, whose path and perhaps body stood beside what was sealed."""
    stored = StoredRequest(
        correlation_id=row.correlation_id, raw_path=row.raw_path, sealed=row.stored, body=row.body
    )
    try:
        return sealer.row(row.correlation_id, sealer.open(stored))
    except NotRepeatable:
        return None


def _version(core: Core, row: Any) -> Values | None:
    document = json.loads(row.stored)
    found = _routes(core, row.channel_id, document.get("routes") or [])
    if not found:
        return found
    return {"document": {**document, **found}}


def _routes(core: Core, channel_id: uuid.UUID, routes: list[dict[str, Any]]) -> Values | None:
    """Routes whose credentials are under the newest key; none where they are already."""
    anew = [_route(core, channel_id, route) for route in routes]
    if None in anew:
        return None
    return {} if anew == routes else {"routes": anew}


def _route(core: Core, channel_id: uuid.UUID, route: dict[str, Any]) -> dict[str, Any] | None:
    if not route.get("credentials"):
        return route
    sealed = base64.b64decode(route["credentials"]["sealed"])
    if sealed.startswith(core.newest_head()):
        return route
    bound = b"route " + channel_id.bytes + route["name"].encode()
    secret = core.open(sealing.SECRET, bound, sealed)
    if secret is None:
        return None
    anew = base64.b64encode(core.seal(sealing.SECRET, bound, secret)).decode()
    return {**route, "credentials": {**route["credentials"], "sealed": anew}}


def _table(model: type[Any]) -> Table:
    return cast(Table, model.__table__)
