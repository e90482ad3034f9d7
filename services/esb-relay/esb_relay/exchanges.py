"""Questions to the exchange log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import defer

from esb_relay.models import Direction, Exchange, ExchangeMode, ExchangeStatus


@dataclass(frozen=True, slots=True)
class ExchangeFilter:
    """Which exchanges; what is None does not count."""

    direction: Direction | None = None
    mode: ExchangeMode | None = None
    status: ExchangeStatus | None = None
    code: str | None = None
    organization: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def matching(wanted: ExchangeFilter) -> Select[Any]:
    """The exchanges that meet every condition, without their bodies."""
    query = select(Exchange).options(defer(Exchange.request_body), defer(Exchange.answer_body))
    for name in ("direction", "mode", "status", "code", "organization", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(Exchange, name) == value)
    if wanted.correlation_id is not None:
        query = query.where(Exchange.correlation_id == wanted.correlation_id)
    if wanted.since is not None:
        query = query.where(Exchange.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Exchange.started_at < wanted.until)
    return query
