"""The log of what was rejected, requests that became no transaction: as rows, and searched."""

import uuid
from datetime import datetime

from common.web.paging import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.gateway.call import Call
from proxy.gateway.rejections import NoChannel, RejectedCall
from proxy.models import Rejection
from proxy.record.addresses import page_at
from proxy.record.masks import masked_path
from proxy.record.rows import MAX_REASON_CHARS, Row, recorded_url, storable

MAX_URL_CHARS = 512
MAX_CLAIM_CHARS = 255


def rejection_row(call: Call, client_claimed: str | None, rejected: RejectedCall) -> Row:
    """The row of a request that was read."""
    return {
        "correlation_id": call.correlation_id,
        "rejected_at": call.started_at,
        "client_claimed": client_claimed and storable(client_claimed, MAX_CLAIM_CHARS),
        "client_address": call.address,
        "request_method": call.method[:32],
        "request_path": storable(recorded_url(call), MAX_URL_CHARS),
        "status_code": rejected.status,
        "reason": storable(rejected.reason + _left_out(call), MAX_REASON_CHARS),
        "nearest": rejected.nearest if isinstance(rejected, NoChannel) else None,
    }


def _left_out(call: Call) -> str:
    """What the log adds: fields that were sent and not read explain many a rejection."""
    if not call.left_out:
        return ""
    return f" (left out for the _ in their names: {', '.join(call.left_out)})"


def unreadable_row(
    correlation_id: uuid.UUID, now: datetime, start: bytes, address: str, status: int, reason: str
) -> Row:
    """The row of what is no HTTP request; its query is not kept."""
    method, _, rest = start.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = masked_path(rest.partition(" ")[0].partition("?")[0])
    return {
        "correlation_id": correlation_id,
        "rejected_at": now,
        "client_claimed": None,
        "client_address": address,
        "request_method": storable(method, 32),
        "request_path": storable(path, MAX_URL_CHARS),
        "status_code": status,
        "reason": storable(reason, MAX_REASON_CHARS),
        "nearest": None,
    }


def rejections_like(
    session: Session, client: str | None, path: str | None, *, limit: int, cursor: str | None
) -> Page[Rejection]:
    """What was refused, of one claimed client and below one path where they are given."""
    query = select(Rejection)
    if client is not None:
        query = query.where(Rejection.client_claimed == client)
    key = Rejection.correlation_id
    return page_at(session, query, key, _path_of, path, limit=limit, cursor=cursor)


def _path_of(rejection: Rejection) -> str:
    return rejection.request_path
