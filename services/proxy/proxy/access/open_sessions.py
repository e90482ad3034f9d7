"""The sessions of staff that began here: listed, noted as seen, and ended for every copy."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from proxy.models import EndedSession, OpenSession

#: However busy its holder is.
LONGEST = timedelta(hours=12)
#: A younger token is not renewed yet: most pages set no cookie.
RENEW_AFTER = timedelta(minutes=1)


def note_seen(session: Session, session_id: uuid.UUID, address: str, now: datetime) -> None:
    """Its holder is at work, from `address`."""
    session.execute(
        update(OpenSession)
        .where(OpenSession.id == session_id)
        .values(seen_at=now, address=address[:64])
    )


def listed(
    session: Session, staff_id: uuid.UUID, idle_minutes: int, now: datetime
) -> Sequence[OpenSession]:
    """A member's sessions that may still stand, the one seen last first."""
    # One that is at work is noted as seen after a while only.
    seen_since = now - timedelta(minutes=idle_minutes) - RENEW_AFTER
    return session.scalars(
        select(OpenSession)
        .where(
            OpenSession.staff_id == staff_id,
            OpenSession.seen_at > seen_since,
            OpenSession.began_at > now - LONGEST,
        )
        .order_by(OpenSession.seen_at.desc(), OpenSession.id)
    ).all()


def is_ended(session: Session, session_id: uuid.UUID) -> bool:
    """Whether its token is worth nothing any more."""
    return session.get(EndedSession, session_id) is not None


def end(session: Session, session_id: uuid.UUID, now: datetime) -> None:
    """Copies of its token are worth nothing from now on."""
    session.merge(EndedSession(id=session_id, ended_at=now))
    session.execute(delete(OpenSession).where(OpenSession.id == session_id))


def end_of(
    session: Session,
    staff_id: uuid.UUID,
    now: datetime,
    *,
    only: uuid.UUID | None = None,
    but: uuid.UUID | None = None,
) -> int:
    """End a member's sessions: all, `only` one, or all `but` one; returns how many there were."""
    ids = session.scalars(select(OpenSession.id).where(OpenSession.staff_id == staff_id)).all()
    wanted = [one for one in ids if one != but and only in (None, one)]
    for one in wanted:
        end(session, one, now)
    return len(wanted)
