"""What came over from another system: its id there, the record here, and how it looked then."""

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any, cast

from sqlalchemy import String, Uuid, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from common.db.database import insert_into


class FormerRecord:
    """Mixin of a service's table `former_records`: one row for each record that came over."""

    __tablename__ = "former_records"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    former_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    #: Of the record as it was read; empty where it is never read again.
    digest: Mapped[str] = mapped_column(String(64), default="")


def digest_of(row: Mapping[str, Any], secrets: Collection[str] = ()) -> str:
    """SHA-256 of a row without its secrets, which a digest would help to guess."""
    plain = {name: value for name, value in row.items() if name not in secrets}
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def find_former(
    session: Session, table: type[FormerRecord], kind: str, former_id: str
) -> uuid.UUID | None:
    """The record that had this id elsewhere; None when none came over."""
    is_it = (table.kind == kind, table.former_id == former_id)
    return session.scalar(select(table.record_id).where(*is_it))


def former_of_kind(
    session: Session,
    table: type[FormerRecord],
    kind: str,
    former_ids: Collection[str] | None = None,
) -> dict[str, FormerRecord]:
    """Records of a kind that came over, all or some, by their former ids."""
    query = select(table).where(table.kind == kind)
    if former_ids is not None:
        query = query.where(table.former_id.in_(former_ids))
    return {row.former_id: row for row in session.scalars(query)}


def known_of(
    session: Session, table: type[FormerRecord], kind: str, former_ids: Collection[str]
) -> set[str]:
    """Which of `former_ids` have come over."""
    some = (table.kind == kind, table.former_id.in_(former_ids))
    return set(session.scalars(select(table.former_id).where(*some)))


def remember(
    session: Session, table: type[FormerRecord], rows: Collection[Mapping[str, Any]]
) -> None:
    """Note what came over; what is noted already gets the new digest and record."""
    statement = insert_into(session, cast(type[DeclarativeBase], table).__table__)
    new = {name: statement.excluded[name] for name in ("record_id", "digest")}
    statement = statement.on_conflict_do_update(index_elements=["kind", "former_id"], set_=new)
    if rows:
        session.execute(statement, list(rows))
