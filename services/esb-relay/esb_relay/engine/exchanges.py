"""Questions to the exchange log."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.ids import lowest_id_at
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, defer

from esb_relay.errors import UnknownRecord
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


def existing_exchange(session: Session, exchange_id: uuid.UUID) -> Exchange:
    """The exchange of this id, with its bodies. Raises UnknownRecord."""
    found = session.get(Exchange, exchange_id)
    if found is None:
        raise UnknownRecord("exchange")
    return found


def counts_since(session: Session, since: datetime) -> dict[ExchangeStatus, int]:
    """How many exchanges that started since then stand how; statuses of none are left out."""
    query = (
        select(Exchange.status, func.count().label("total"))
        .where(Exchange.id >= lowest_id_at(since))
        .group_by(Exchange.status)
        .order_by(Exchange.status)
    )
    return {row.status: row.total for row in session.execute(query)}


def latest_troubles(session: Session, limit: int) -> Sequence[Exchange]:
    """The last exchanges that ended otherwise than well, newest first."""
    well = (ExchangeStatus.SUCCEEDED, ExchangeStatus.SENDING)
    query = matching(ExchangeFilter()).where(Exchange.status.not_in(well))
    return session.scalars(query.order_by(Exchange.id.desc()).limit(limit)).all()
