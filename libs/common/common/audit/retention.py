"""Old events are removed only by a command, which leaves a checkpoint and an event of its own."""

from datetime import datetime

from sqlalchemy import delete, func, select

from common.audit.chain import Draft
from common.audit.log import AuditLog, note
from common.audit.verify import PURGED, checkpoint_of
from common.clock import utc_now


def purge(log: AuditLog, before: datetime) -> int:
    """Remove the events from before `before`; returns how many. The last event always stays."""
    tables = log.tables
    events = tables.events
    with log.database.writing() as session:
        first_kept = select(func.min(events.id)).where(events.at >= before)
        newest = select(func.max(events.id))
        kept_from = session.scalar(first_kept) or session.scalar(newest) or 0
        start_id, _ = checkpoint_of(session, tables)
        last_id = kept_from - 1
        if last_id <= start_id:
            return 0
        last_hash = session.scalar(select(events.hash).where(events.id == last_id))
        session.add(tables.checkpoints(last_id=last_id, last_hash=last_hash, at=utc_now()))
        session.flush()
        session.execute(delete(events).where(events.id <= last_id))
        said = {"last_id": last_id, "last_hash": last_hash}
        note(session, Draft(act=PURGED, object_kind="audit", after=said))
    return last_id - start_id
