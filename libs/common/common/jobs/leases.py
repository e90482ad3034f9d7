"""Work as rows with a lease: claimed in batches, finished only while the claim still stands.

A row is due when `next_attempt_at` has come and no lease holds it. `claim_due` stamps a batch with
one fresh token; whoever finishes a row does so `where(held(Model, row_id, token))`, so that a
worker that was thought dead cannot overwrite its successor.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, or_, select, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from common.db.database import Database


class Leased:
    """Columns of a table whose rows are work. `attempt_count` counts claims."""

    lease_until: Mapped[datetime | None]
    lease_token: Mapped[uuid.UUID | None]
    attempt_count: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)


Work = TypeVar("Work", bound=Leased)


def is_free(model: type[Leased], now: datetime) -> ColumnElement[bool]:
    """Due, and in nobody's hands."""
    return and_(
        model.next_attempt_at <= now,
        or_(model.lease_until.is_(None), model.lease_until < now),
    )


def held(model: type[Leased], token: uuid.UUID) -> ColumnElement[bool]:
    """Still under the claim `token`."""
    return model.lease_token == token


def is_any_due(
    database: Database,
    model: type[Leased],
    *criteria: ColumnExpressionArgument[bool],
    now: datetime,
) -> bool:
    """Whether it is worth to claim: for who asks again and again, and mostly for nothing. One look
    costs a fraction of a claim, and on SQLite waits for no lock.
    """
    due = select(true()).select_from(model).where(is_free(model, now), *criteria).limit(1)
    with database.glancing() as connection:
        return connection.execute(due).first() is not None


def claim_due(
    session: Session,
    model: type[Work],
    *criteria: ColumnExpressionArgument[bool],
    order_by: Sequence[Any],
    limit: int,
    now: datetime,
    lease: timedelta,
) -> list[Work]:
    """Lease up to `limit` due rows that meet `criteria`, in `order_by`; none is claimed twice.

    Runs in the caller's transaction: `FOR UPDATE SKIP LOCKED` on PostgreSQL; on SQLite the
    transaction is `BEGIN IMMEDIATE` already. The rows come back with their new token.
    """
    rows = session.scalars(
        select(model)
        .where(is_free(model, now), *criteria)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    token = uuid.uuid4()
    for row in rows:
        row.lease_token = token
        row.lease_until = now + lease
        row.attempt_count += 1
    session.flush()
    return list(rows)


def renew(session: Session, model: type[Leased], token: uuid.UUID, until: datetime) -> None:
    """Keep every row under `token` until `until`: its worker lives."""
    session.execute(update(model).where(held(model, token)).values(lease_until=until))


class ClaimLost(Exception):
    """Another worker has the row now: whoever is told so changes nothing and sends nothing."""
