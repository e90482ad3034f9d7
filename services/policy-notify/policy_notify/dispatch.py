"""Messages that are ready leave, through the first provider that takes them.

An attempt is marked `started` and committed before it leaves. What a killed process left started
may have left: it goes out again only through the same provider, where that drops repetitions
(`is_repeatable`), else its outcome is called unknown. Nothing is ever sent twice silently.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from common.clock import utc_now
from common.database import Database
from common.logs import get_logger
from sqlalchemy import and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from policy_notify.eligibility import DENIED, OBSOLETE
from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.models import (
    Delivery,
    FamilyConsent,
    Indication,
    IndicationDetails,
    IndicationStatus,
)
from policy_notify.providers import Message, Provider
from policy_notify.runs import Lease

log = get_logger(__name__)

T = TypeVar("T")

#: Messages read at once, and started together where the provider drops repetitions.
BATCH = 100
INTERRUPTED = "Interrupted; whether it was sent is not known"
NO_PROVIDER = "No provider is configured"


@dataclass
class Parcel:
    """A message on its way, with what the providers said so far.

    `held_by`: the provider that may have taken it already, before a process died.
    """

    message: Message
    held_by: str | None
    reasons: list[str] = field(default_factory=list)

    def is_for(self, provider: Provider) -> bool:
        """Whether this provider may be asked."""
        return self.held_by in (None, provider.name)

    def outcome(self) -> dict[str, Any]:
        """What came of it when nobody took it."""
        if self.held_by is not None:
            return {"status": IndicationStatus.UNDEFINED, "reason": INTERRUPTED}
        reason = "; ".join(self.reasons) or NO_PROVIDER
        return {"status": IndicationStatus.ERROR, "reason": reason}


class Dispatcher:
    """Hands messages to `providers`, in their order, while the lease stands."""

    def __init__(
        self,
        database: Database,
        providers: Sequence[Provider],
        lease: Lease,
        *,
        keep_days: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`keep_days`: a message that could not leave for longer is obsolete."""
        self._database = database
        self._providers = providers
        self._lease = lease
        self._waits_at_most = timedelta(days=keep_days + 1)
        self._now = now
        self._kept_at = now()

    def recover(self) -> None:
        """Settle what a dead worker left started. Raises RunLost."""
        repeatable = [provider.name for provider in self._providers if provider.is_repeatable]
        details = IndicationDetails
        is_safe = details.provider.is_(None) | details.provider.in_(repeatable)
        left = update(details).where(details.delivery == Delivery.STARTED)
        left = left.execution_options(synchronize_session=False)
        with self._database.writing() as session:
            self._lease.keep(session)
            session.execute(left.where(is_safe).values(delivery=Delivery.READY, reason=""))
            unknown = session.scalars(
                left.values(
                    delivery=Delivery.ENDED, reason=INTERRUPTED, ended_at=self._now()
                ).returning(details.id)
            ).all()
        if unknown:
            log.warning("outcome_unknown", count=len(unknown), ids=[str(one) for one in unknown])

    def run(self, is_stopping: Callable[[], bool]) -> bool:
        """Send everything that is ready; False when it was stopped. Raises RunLost."""
        while parcels := self._take():
            for part in _parts(parcels, self._part_size()):
                self._send(part)
                if is_stopping():
                    return False
        return True

    def _part_size(self) -> int:
        return BATCH if all(provider.is_repeatable for provider in self._providers) else 1

    def _take(self) -> list[Parcel]:
        """The next messages that still may leave; the others are refused here and now."""
        while True:
            with self._database.reading() as session:
                rows = session.execute(_ready()).all()
            refused = {
                row.id: why for row, approval in rows if (why := self._why_not(row, approval))
            }
            if refused:
                self._refuse(refused)
            parcels = [
                Parcel(_message(row), row.provider) for row, _ in rows if row.id not in refused
            ]
            if parcels or not rows:
                return parcels

    def _why_not(
        self, row: IndicationDetails, approval: bool | None
    ) -> tuple[IndicationStatus, str] | None:
        """A message may have waited: consent is asked again, and time may have passed."""
        if not approval:
            return IndicationStatus.NO_PERMISSION, DENIED
        if self._now() - row.created_at > self._waits_at_most:
            return IndicationStatus.OBSOLETE, OBSOLETE
        return None

    def _refuse(self, refused: dict[UUID, tuple[IndicationStatus, str]]) -> None:
        ended = {"delivery": Delivery.ENDED, "ended_at": self._now()}
        self._record(
            [
                {"id": id_, "status": status, "reason": reason, **ended}
                for id_, (status, reason) in refused.items()
            ]
        )

    def _send(self, parcels: Sequence[Parcel]) -> None:
        """Offer the parcels to one provider after the other."""
        left = list(parcels)
        for provider in self._providers:
            size = BATCH if provider.is_repeatable else 1
            theirs = [parcel for parcel in left if parcel.is_for(provider)]
            others = [parcel for parcel in left if not parcel.is_for(provider)]
            refused = (one for part in _parts(theirs, size) for one in self._offer(provider, part))
            left = [*others, *refused]
        ended = {"delivery": Delivery.ENDED, "ended_at": self._now()}
        self._record([{"id": one.message.id, **ended, **one.outcome()} for one in left])

    def _offer(self, provider: Provider, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Offer parcels to one provider; returns those it surely did not take."""
        started = {"delivery": Delivery.STARTED, "provider": provider.name}
        self._record([{"id": parcel.message.id, **started} for parcel in parcels])
        ended, refused, sent = [], [], []
        for parcel in parcels:
            self._stay()
            outcome: dict[str, Any] = {"status": IndicationStatus.SENT, "reason": ""}
            try:
                provider.send(parcel.message)
            except NotTaken as exc:
                parcel.reasons.append(f"{provider.name}: {exc}")
                refused.append(parcel)
                continue
            except MaybeTaken as exc:
                reason = f"{provider.name}: {exc}; whether it was sent is not known"
                outcome = {"status": IndicationStatus.UNDEFINED, "reason": reason}
            else:
                sent.append(parcel.message)
            ended.append({"id": parcel.message.id, "delivery": Delivery.ENDED, **outcome})
        now = self._now()
        changes = [{**one, "ended_at": now} for one in ended]
        released = [parcel.message.id for parcel in refused if parcel.held_by is None]
        self._record(changes, sent, released)
        return refused

    def _stay(self) -> None:
        """Renew the lease where slow providers use it up before the next commit."""
        if self._now() - self._kept_at > self._lease.length / 4:
            with self._database.writing() as session:
                self._keep(session)

    def _keep(self, session: Session) -> None:
        self._lease.keep(session)
        self._kept_at = self._now()

    def _record(
        self,
        changes: list[dict[str, Any]],
        sent: Sequence[Message] = (),
        released: Sequence[UUID] = (),
    ) -> None:
        """Commit what became of attempts; `released` are in no provider's hands any more."""
        if not (changes or released):
            return
        with self._database.writing() as session:
            self._keep(session)
            if changes:
                session.execute(update(IndicationDetails), changes)
            if released:
                session.execute(
                    update(IndicationDetails),
                    [{"id": one, "provider": None} for one in released],
                )
            for message in sent:
                _indicate(session, message, self._now())


def _ready() -> Any:
    details, consent = IndicationDetails, FamilyConsent
    is_theirs = and_(consent.family == details.family, consent.validity_to.is_(None))
    return (
        select(details, consent.approval)
        .outerjoin(consent, is_theirs)
        .where(details.delivery == Delivery.READY)
        .order_by(details.id)
        .limit(BATCH)
    )


def _message(row: IndicationDetails) -> Message:
    return Message(
        id=row.id,
        type=row.type,
        policy=row.policy,
        family=row.family,
        recipient=row.recipient or "",
        language=row.language or "",
        text=row.message or "",
        variables=row.variables or {},
    )


def _indicate(session: Session, message: Message, now: datetime) -> None:
    """Note on the policy that this type was sent."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    column = Indication.__table__.c[_COLUMNS[message.type.value]]
    statement = dialect.insert(Indication.__table__).values(
        {"PolicyUUID": message.policy, column.name: now}
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["PolicyUUID"], set_={column.name: now})
    )


_COLUMNS = {
    attribute.key: attribute.columns[0].name for attribute in Indication.__mapper__.column_attrs
}


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
