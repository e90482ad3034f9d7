"""Records that count their changes: a save over a newer one is rejected.

    class Channel(Revised, Base): ...

    claim(session, Channel, [7], id=channel_id)   # raises Stale unless it is at revision 7

The claim is an UPDATE whose WHERE names the revision, and holds the row until the transaction ends.
A bulk UPDATE of what is no person's change (a heartbeat) sets `revision=Model.revision`.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, inspect, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from common.errors import Stale
from common.texts import _


def etag(revision: int) -> str:
    """`"7"`: a revision as an entity tag (RFC 9110, 8.8.3)."""
    return f'"{revision}"'


class Revised:
    """The column; every UPDATE counts it up that does not set it."""

    #: What the database counted is read back with the change.
    __mapper_args__ = {"eager_defaults": True}

    revision: Mapped[int] = mapped_column(
        default=1, server_default=text("1"), onupdate=text("revision + 1")
    )

    @property
    def etag(self) -> str:
        """What `If-Match` names it by."""
        return etag(self.revision)


def claim(session: Session, model: type[Any], revisions: Collection[int], **key: Any) -> None:
    """Hold the record that `key` names against other changes. Raises Stale: at another revision.

    One that does not exist is left to the caller.
    """
    table: Table = inspect(model).local_table
    counted = inspect(model).attrs["revision"].columns[0]
    its_own = [getattr(model, name) == value for name, value in key.items()]
    kept = [counted, *(column for column in table.columns if column.key == "updated_at")]
    held = session.execute(
        update(table).where(*its_own, counted.in_(revisions)).values({one: one for one in kept})
    )
    if held.rowcount == 0 and session.query(counted).filter(*its_own).first():  # type: ignore[attr-defined]
        raise Stale(_("It was changed since you read it; read it again, and decide anew"))


def claim_as_read(session: Session, record: Any, revision: int | None) -> None:
    """The same for a record as it was shown to somebody; None: not said."""
    if revision is None:
        return
    keys = [column.key for column in inspect(type(record)).column_attrs if _is_key(column)]
    claim(session, type(record), [revision], **{key: getattr(record, key) for key in keys})


def _is_key(attribute: Any) -> bool:
    return bool(attribute.columns[0].primary_key)
