"""Consents that name their family by its head's CHF id, and wait for both to come."""

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from policy_notify.intake.among import among
from policy_notify.models import Family, FamilyConsent, Insuree, WaitingConsent

#: Looked at in one transaction.
BATCH = 1_000


def keep_waiting(
    session: Session, chf_id: str, approval: bool | None, language: str | None
) -> None:
    """Remember a consent until the family of the head with this CHF id has come."""
    session.merge(WaitingConsent(chf_id=chf_id, approval=approval, language=language))
    session.flush()


def settle_waiting(session: Session, languages: tuple[str, ...], *came: ColumnElement[bool]) -> int:
    """Give families that have come the consents that waited; returns how many.

    `came`: of which insurees or families; none: of all. A consent that the family has by now was
    given later, and stays.
    """
    waiting = WaitingConsent
    if session.scalar(select(waiting.chf_id).limit(1)) is None:
        return 0
    found = session.execute(
        select(waiting, Family.uuid)
        .join(Insuree, Insuree.chf_id == waiting.chf_id)
        .join(Family, Family.head == Insuree.uuid)
        .where(Family.validity_to.is_(None), *came)
        .limit(BATCH)
    ).all()
    for consent, family in found:
        if session.get(FamilyConsent, family) is None:
            language = consent.language or languages[0]
            made = FamilyConsent(family=family, approval=bool(consent.approval), language=language)
            session.add(made)
    done = {consent.chf_id for consent, _ in found}
    session.execute(
        delete(waiting).where(among(session.get_bind().dialect, waiting.chf_id, list(done)))
    )
    session.flush()
    return len(done)
