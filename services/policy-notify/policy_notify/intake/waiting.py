"""Which stored records point at records that are not there yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from policy_notify.intake.among import among
from policy_notify.intake.kinds import Kind, table_of


@dataclass(frozen=True)
class Dangling:
    """A record that waits, the field that points, and where it points."""

    uuid: UUID
    field: str
    missing: UUID


def count_among(session: Session, kind: Kind, keys: Sequence[UUID]) -> int:
    """How many of `keys` there is a record of."""
    if not keys:
        return 0
    known = among(session.get_bind().dialect, kind.columns[kind.key], keys)
    return session.scalar(select(func.count()).select_from(kind.model).where(known)) or 0


def count_dangling(session: Session, kind: Kind) -> int:
    """How many references of `kind` name nothing yet."""
    total = 0
    for field, name in kind.references.items():
        target, pointer = table_of(name), getattr(kind.model, field)
        known = exists().where(target.__table__.alias("target").c.uuid == pointer)
        query = select(func.count()).select_from(kind.model).where(pointer.is_not(None), ~known)
        total += session.scalar(query) or 0
    return total


def counts_of(session: Session, kind: Kind) -> dict[str, Any]:
    """`{"kind", "stored", "current", "waiting"}`."""
    stored = select(func.count()).select_from(kind.model)
    current = stored
    if "validity_to" in kind.columns:
        current = stored.where(kind.columns["validity_to"].is_(None))
    return {
        "kind": kind.name,
        "stored": session.scalar(stored),
        "current": session.scalar(current),
        "waiting": count_dangling(session, kind),
    }


def dangling(
    session: Session, kind: Kind, field: str, *, after: UUID | None, limit: int
) -> list[Dangling]:
    """Up to `limit` records of `kind` whose `field` names an unknown uuid, by uuid, after one."""
    target = table_of(kind.references[field])
    key, pointer = getattr(kind.model, kind.key), getattr(kind.model, field)
    known = exists().where(target.__table__.alias("target").c.uuid == pointer)
    query = select(key, pointer).where(pointer.is_not(None), ~known)
    if after is not None:
        query = query.where(key > after)
    rows = session.execute(query.order_by(key).limit(limit)).all()
    return [Dangling(found, field, missing) for found, missing in rows]
