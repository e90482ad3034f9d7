"""Differences between our answers and another hub's: as rows, and as they are searched."""

from datetime import datetime

from common.clock import utc_now
from sqlalchemy import Select, select

from proxy.gateway.call import Call
from proxy.models import Difference, ShadowDifference
from proxy.record.comparing import Compared, HubAnswer
from proxy.record.rows import MAX_REASON_CHARS, Row, recorded_url, storable
from proxy.record.transactions import begins_with

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
    channel: str | None = None,
    client: str | None = None,
    difference: Difference | None = None,
    path: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[ShadowDifference]:
    """The differences that meet conditions; what is None does not count."""
    found = select(ShadowDifference)
    for column, value in (
        (ShadowDifference.channel_name, channel),
        (ShadowDifference.client_name, client),
        (ShadowDifference.difference, difference),
    ):
        if value is not None:
            found = found.where(column == value)
    if path:
        found = found.where(begins_with(ShadowDifference.request_url, path))
    if since is not None:
        found = found.where(ShadowDifference.compared_at >= since)
    if until is not None:
        found = found.where(ShadowDifference.compared_at < until)
    return found
