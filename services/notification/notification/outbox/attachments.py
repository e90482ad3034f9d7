"""Files on their way: kept once for all messages of an event, read for those that leave."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from notification.mails.attachments import Attachment
from notification.models import StoredAttachment

Files = Mapping[uuid.UUID, Sequence[Attachment]]
"""The files of each set, in their order."""


def keep_files(
    session: Session,
    files: Sequence[Attachment],
    rows: Iterable[Mapping[str, Any]],
    queued: Collection[uuid.UUID],
    now: datetime,
) -> None:
    """Store an event's files, if a message of `rows` that has them was queued."""
    sets = {row["attachment_set"] for row in rows if files and row["id"] in queued}
    stored = [
        {
            "set_id": set_id,
            "place": place,
            "name": one.name,
            "media_type": one.media_type,
            "content": one.content,
            "created_at": now,
        }
        for set_id in sets - {None}
        for place, one in enumerate(files)
    ]
    if stored:
        session.execute(insert(StoredAttachment), stored)


def read_files(session: Session, sets: Collection[uuid.UUID]) -> Files:
    """The files of these sets."""
    one = StoredAttachment
    found: dict[uuid.UUID, list[Attachment]] = defaultdict(list)
    columns = select(one.set_id, one.name, one.media_type, one.content)
    for row in session.execute(columns.where(one.set_id.in_(sets)).order_by(one.place)):
        found[row.set_id].append(Attachment(row.name, row.media_type, row.content))
    return found


def file_names(session: Session, set_id: uuid.UUID | None) -> Sequence[str]:
    """How the files of a set are called, in their order."""
    one = StoredAttachment
    query = select(one.name).where(one.set_id == set_id).order_by(one.place)
    return session.scalars(query).all() if set_id else []
