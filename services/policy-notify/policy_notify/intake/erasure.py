"""A person's data is erased: what remains is that there was somebody, and what was counted."""

import uuid

from common.clock import utc_now
from common.texts import N_
from sqlalchemy import ColumnElement, Select, delete, or_, select, update
from sqlalchemy.orm import Session

from policy_notify.errors import UnknownRecord
from policy_notify.models import (
    Delivery,
    Family,
    IndicationDetails,
    IndicationStatus,
    Insuree,
    PaymentNotice,
    WaitingConsent,
)

ERASED = N_("The person's data was erased")


def erase_person(session: Session, person: uuid.UUID) -> int:
    """Forget who the person is, and the messages to them; returns how many messages.

    The attempts stay, without words and numbers: counts and what was sent are as before. When the
    person's record comes again it is not taken. Raises UnknownRecord.
    """
    found = session.get(Insuree, person, with_for_update=True)
    if found is None:
        raise UnknownRecord("insuree")
    details = IndicationDetails
    headed = select(Family.uuid).where(Family.head == person)
    theirs: ColumnElement[bool] = details.family.in_(headed)
    if found.number is not None:
        own = details.family.in_([found.family]) if found.family else theirs
        theirs = or_(theirs, (details.recipient == found.number) & own)
    is_ready = update(details).where(theirs, details.delivery == Delivery.READY)
    ended = {"delivery": Delivery.ENDED, "ended_at": utc_now(), "reason": ERASED}
    session.execute(is_ready.values(status=IndicationStatus.NOT_VALID, **ended))
    nothing = {"message": None, "recipient": None, "variables": None}
    forgotten = session.scalars(
        update(details)
        .where(theirs, details.message.is_not(None))
        .values(nothing)
        .returning(details.id)
    ).all()
    messages = len(forgotten) + _erase_payments(session, found, headed)
    if found.chf_id:
        session.execute(delete(WaitingConsent).where(WaitingConsent.chf_id == found.chf_id))
    found.chf_id = found.last_name = found.other_names = ""
    found.phone = found.number = found.family = None
    found.validity_to = found.validity_to or utc_now()
    found.erased_at = found.erased_at or utc_now()
    return messages


def _erase_payments(session: Session, person: Insuree, headed: Select[uuid.UUID]) -> int:
    """The same of what was reported of payments; returns how many messages."""
    notice = PaymentNotice
    theirs: ColumnElement[bool] = notice.family.in_(headed)
    if person.number is not None:
        theirs = or_(
            theirs, notice.recipient == person.number, notice.payer_number == person.number
        )
    is_open = update(notice).where(theirs, notice.delivery == Delivery.READY)
    ended = {"delivery": Delivery.ENDED, "ended_at": utc_now(), "reason": ERASED}
    session.execute(is_open.values(status=IndicationStatus.NOT_VALID, **ended))
    nothing = {"message": None, "recipient": None, "variables": None}
    nothing |= {"facts": None, "payer_number": None}
    forgotten = update(notice).where(theirs, notice.facts.is_not(None)).values(nothing)
    return len(session.scalars(forgotten.returning(notice.id)).all())
