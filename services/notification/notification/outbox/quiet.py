"""Quiet hours of what is claimed: a message that is late, or tried again, waits for their end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from notification.choosing import not_before
from notification.models import OutboxMessage
from notification.outbox.claiming import UNCLAIMED, Slice
from notification.preferences import DEFAULT_WISHES, wishes_of

# Built once: composing a statement costs more than asking it.
_WAIT = (
    update(cast(Table, OutboxMessage.__table__))
    .where(OutboxMessage.id == bindparam("of"))
    .values({**UNCLAIMED, "next_attempt_at": bindparam("until")})
)


def without_quiet(session: Session, slices: Sequence[Slice], now: datetime) -> list[Slice]:
    """The slices without messages whose recipients want quiet now: those wait until it ends."""
    parcels = [parcel for one in slices for parcel in one.parcels]
    wishes = wishes_of(session, {parcel.recipient_user_id for parcel in parcels})
    waiting = {}
    for parcel in parcels:
        person = (parcel.recipient_user_id, parcel.recipient_actor_type)
        wanted = wishes.get(person, DEFAULT_WISHES)
        moment = not_before(now, wanted, parcel.channel, parcel.priority)
        if moment > now:
            waiting[parcel.id] = moment
    if not waiting:
        return list(slices)
    session.execute(_WAIT, [{"of": id_, "until": moment} for id_, moment in waiting.items()])
    left = (
        replace(one, parcels=[parcel for parcel in one.parcels if parcel.id not in waiting])
        for one in slices
    )
    return [one for one in left if one.parcels]
