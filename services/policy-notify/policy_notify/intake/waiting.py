"""Which stored records point at records that are not there yet."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from policy_notify.intake.kinds import Kind, table_of


@dataclass(frozen=True)
class Dangling:
    """A record that waits, the field that points, and where it points."""

    uuid: UUID
    field: str
    missing: UUID


def dangling(
    session: Session, kind: Kind, field: str, *, after: UUID | None, limit: int
) -> list[Dangling]:
    """Up to `limit` records of `kind` whose `field` names an unknown uuid, by uuid, after one."""
    model = table_of(kind.name)
    target = table_of(kind.references[field])
    pointer = getattr(model, field)
    known = exists().where(target.__table__.alias("target").c.uuid == pointer)
    query = select(model.uuid, pointer).where(pointer.is_not(None), ~known)
    if after is not None:
        query = query.where(model.uuid > after)
    rows = session.execute(query.order_by(model.uuid).limit(limit)).all()
    return [Dangling(found, field, missing) for found, missing in rows]
