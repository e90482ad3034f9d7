"""Differences between our answers and another hub's: as rows, and as they are searched."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.web.paging import Page
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from proxy.gateway.call import Call
from proxy.models import Difference, ShadowDifference
from proxy.record.addresses import page_at
from proxy.record.comparing import Compared, HubAnswer
from proxy.record.rows import MAX_REASON_CHARS, Row, recorded_url, storable

_MAX_NAME_CHARS = 255


def difference_row(
    call: Call,
    channel_name: str,
    client_name: str,
    ours: HubAnswer,
    theirs: HubAnswer | None,
    compared: Compared,
) -> Row:
    """The row of a call whose copy was answered otherwise, or (`theirs` is None) not at all."""
    return {
        "correlation_id": call.correlation_id,
        "compared_at": utc_now(),
        "channel_name": channel_name,
        "client_name": client_name,
        "request_method": call.method[:32],
        "request_url": storable(recorded_url(call), MAX_REASON_CHARS),
        "difference": compared.difference,
        "status_code": ours.status,
        "shadow_status_code": theirs.status if theirs else None,
        "content_type": storable(ours.media_type, _MAX_NAME_CHARS),
        "shadow_content_type": storable(theirs.media_type, _MAX_NAME_CHARS) if theirs else None,
        "members": [storable(pointer, len(pointer)) for pointer in compared.members],
        "note": storable(compared.note, MAX_REASON_CHARS),
    }


def differences_like(
    session: Session,
    channels: Collection[str] | None = None,
    *,
    limit: int,
    cursor: str | None,
    path: str | None = None,
    **filters: Any,
) -> Page[ShadowDifference]:
    """The differences at addresses below `path` that meet conditions, of some channels only."""
    query = _differences(**filters)
    if channels is not None:
        query = query.where(ShadowDifference.channel_name.in_(channels))
    key = ShadowDifference.correlation_id
    return page_at(session, query, key, _url_of, path, limit=limit, cursor=cursor)


def _url_of(found: ShadowDifference) -> str:
    return found.request_url


def _differences(
    channel: str | None = None,
    client: str | None = None,
    difference: Difference | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[ShadowDifference]:
    """Those that meet conditions; what is None does not count."""
    found = select(ShadowDifference)
    for column, value in (
        (ShadowDifference.channel_name, channel),
        (ShadowDifference.client_name, client),
        (ShadowDifference.difference, difference),
    ):
        if value is not None:
            found = found.where(column == value)
    if since is not None:
        found = found.where(ShadowDifference.compared_at >= since)
    if until is not None:
        found = found.where(ShadowDifference.compared_at < until)
    return found
