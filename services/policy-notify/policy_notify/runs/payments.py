"""Messages about payments: decided by the read model and the family's consent, then dispatched.

They are about something that the payer has just done, so they do not wait for a run's hour; they
have a lease of their own. What was surely not sent is tried again for `CATCH_UP_DAYS`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import and_, case, false, func, select, update
from sqlalchemy.orm import Session, aliased

from policy_notify.config import Settings
from policy_notify.container import Container
from policy_notify.errors import RunLost
from policy_notify.models import (
    Delivery,
    Family,
    FamilyConsent,
    IndicationStatus,
    Insuree,
    PaymentNotice,
    Policy,
    Product,
)
from policy_notify.providers import Message
from policy_notify.read_model.members import first_member_with_phone, head_is_current
from policy_notify.runs.dispatch import Dispatcher
from policy_notify.runs.eligibility import Rejection
from policy_notify.runs.lease import PAYMENTS_LEASE_ID, Lease
from policy_notify.runs.payment_judge import Insured, PaymentJudge
from policy_notify.sweeper import settle_interrupted
from policy_notify.texts.catalogue import Texts

log = get_logger(__name__)

#: Waited before a message that nobody took, or that nobody could get, is tried again.
RETRY_AFTER = timedelta(minutes=15)

_HEAD = aliased(Insuree, name="payments_head")


class PaymentAttempts:
    """The messages about payments; see `policy_notify.runs.attempts.Attempts`."""

    model = PaymentNotice

    def __init__(self, settings: Settings, texts: Texts) -> None:
        self._settings = settings
        self._texts = texts

    def decide_again(
        self, session: Session, rows: Sequence[PaymentNotice], now: datetime
    ) -> dict[UUID, Message | Rejection]:
        """Nothing is decided before: a notice is judged when it is about to leave."""
        settings = self._settings
        judge = PaymentJudge(
            settings.payment_events,
            settings.catch_up_days,
            settings.scheme_timezone,
            self._texts,
            now,
        )
        wanted = {row.id: [UUID(one) for one in row.policies] for row in rows}
        found = _insured(session, {one for policies in wanted.values() for one in policies})
        return {
            row.id: judge.decide(row, [found[one] for one in wanted[row.id] if one in found])
            for row in rows
        }

    def keep_sent(self, session: Session, messages: Sequence[Message], now: datetime) -> None:
        """The notice itself says so."""


def _insured(session: Session, policies: set[UUID]) -> dict[UUID, Insured]:
    """The policies with their families; a family that has ended approves of nothing."""
    query = (
        select(
            Policy.uuid,
            Policy.family,
            Policy.status,
            Policy.effective_date,
            Policy.expiry_date,
            Policy.amount_to_be_paid,
            Product.code,
            Product.name,
            _HEAD.chf_id,
            _HEAD.last_name,
            _HEAD.other_names,
            func.coalesce(_HEAD.number, first_member_with_phone("number")),
            case((Family.validity_to.is_not(None), false()), else_=FamilyConsent.approval),
            FamilyConsent.language,
        )
        .join(Family, Family.uuid == Policy.family)
        .outerjoin(Product, Product.uuid == Policy.product)
        .outerjoin(_HEAD, head_is_current(_HEAD))
        .outerjoin(
            FamilyConsent,
            and_(FamilyConsent.family == Policy.family, FamilyConsent.validity_to.is_(None)),
        )
        .where(Policy.uuid.in_(policies))
    )
    rows: Iterable[Any] = session.execute(query)
    return {row[0]: Insured(*row) for row in rows}


class PaymentSender:
    """Sends what was reported of payments; one process at a time, under the lease."""

    def __init__(
        self, container: Container, is_stopping: Callable[[], bool], lease: Lease | None = None
    ) -> None:
        self._container = container
        self._is_stopping = is_stopping
        length = container.settings.run_lease
        self._lease = lease or Lease(length, row_id=PAYMENTS_LEASE_ID)

    def step(self) -> bool:
        """Send all that can be sent now; False when there was nothing, or another is at it."""
        database, lease = self._container.database, self._lease
        if not _has_open(database, lease.now()):
            return False
        with database.writing() as session:
            if not lease.take(session):
                return False
        try:
            self._send()
            with database.writing() as session:
                lease.give_back(session)
        except RunLost:
            log.warning("payments_lost")
        return True

    def _send(self) -> None:
        container, lease = self._container, self._lease
        database, settings = container.database, container.settings
        repeatable = [one.name for one in container.providers if one.is_repeatable]
        settle_interrupted(database, PaymentNotice, repeatable, lease.now(), lease.keep)
        _try_again(database, lease)
        dispatcher = Dispatcher(
            database,
            container.providers,
            lease,
            PaymentAttempts(settings, container.texts),
            keep_days=settings.catch_up_days,
            now=lease.now,
        )
        dispatcher.run(self._is_stopping)


def _is_tried_again(now: datetime) -> Any:
    notice = PaymentNotice
    return and_(
        notice.delivery == Delivery.ENDED,
        notice.status == IndicationStatus.ERROR,
        notice.ended_at < now - RETRY_AFTER,
    )


def _has_open(database: Database, now: datetime) -> bool:
    notice = PaymentNotice
    is_open = (notice.delivery != Delivery.ENDED) | _is_tried_again(now)
    with database.reading() as session:
        return session.scalar(select(notice.id).where(is_open).limit(1)) is not None


def _try_again(database: Database, lease: Lease) -> None:
    """What failed is ready once more; it is judged again, and may be too old by now."""
    notice = PaymentNotice
    with database.writing() as session:
        lease.keep(session)
        session.execute(
            update(notice)
            .where(_is_tried_again(lease.now()))
            .values(delivery=Delivery.READY, ended_at=None, attempt=notice.attempt + 1)
            .execution_options(synchronize_session=False)
        )
