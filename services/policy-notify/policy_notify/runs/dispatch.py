"""Messages that are ready leave, through the first provider that takes them.

An attempt is marked `started` and committed before it leaves. What a killed process left started
may have left: it goes out again only through the same provider, where that drops repetitions
(`is_repeatable`), else its outcome is called unknown. Nothing is ever sent twice silently.

Before it leaves, every message is decided again: a slow gateway keeps others waiting, and meanwhile
a policy is renewed, a consent withdrawn, a number changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from common import tracing
from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from common.texts import N_
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.models import Delivery, IndicationStatus
from policy_notify.providers import Message, Provider
from policy_notify.runs.attempts import Attempts
from policy_notify.runs.eligibility import CHANGED, NOT_ENABLED, OBSOLETE, Rejection
from policy_notify.runs.lease import Lease
from policy_notify.sweeper import INTERRUPTED

log = get_logger(__name__)

T = TypeVar("T")

#: Messages read at once, and started together where the provider drops repetitions.
BATCH = 100
NO_PROVIDER = N_("No provider is configured")


@dataclass
class Job:
    """A message that is being sent, with what the providers said so far.

    `held_by`: the provider that may have taken it already, before a process died.
    """

    message: Message
    held_by: str | None
    reasons: list[str] = field(default_factory=list)

    def is_for(self, provider: Provider) -> bool:
        """Whether this provider may be asked."""
        return self.held_by in (None, provider.name)

    def started(self, provider: Provider) -> dict[str, Any]:
        """The attempt as it leaves: what it says, and to whom, was decided a moment ago."""
        message = self.message
        return {
            "id": message.id,
            "delivery": Delivery.STARTED,
            "provider": provider.name,
            "family": message.family,
            "recipient": message.recipient,
            "language": message.language,
            "message": message.text,
            "variables": dict(message.variables),
        }

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
        attempts: Attempts,
        *,
        keep_days: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`attempts` are what leaves. What could not for longer than `keep_days` is obsolete."""
        self._database = database
        self._providers = providers
        self._lease = lease
        self._attempts = attempts
        self._waits_at_most = timedelta(days=keep_days + 1)
        self._now = now
        self._kept_at = now()

    def run(self, is_stopping: Callable[[], bool]) -> bool:
        """Send everything that is ready; False when it was stopped. Raises RunLost."""
        while rows := self._ready():
            for part in _parts(rows, self._part_size()):
                self._send(self._confirm(part))
                if is_stopping():
                    return False
        return True

    def _part_size(self) -> int:
        return BATCH if all(provider.is_repeatable for provider in self._providers) else 1

    def _ready(self) -> Sequence[Any]:
        model = self._attempts.model
        ready = select(model).where(model.delivery == Delivery.READY)
        with self._database.reading() as session:
            return session.scalars(ready.order_by(model.id).limit(BATCH)).all()

    def _confirm(self, rows: Sequence[Any]) -> list[Job]:
        """Decide the messages again as things are now; the others are rejected here and now."""
        with self._database.reading() as session:
            found = self._attempts.decide_again(session, rows, self._now())
        jobs, rejected = [], []
        for row in rows:
            decided = self._in_time(row, found.get(row.id))
            if isinstance(decided, Rejection):
                rejected.append((row, decided))
            else:
                jobs.append(Job(decided, row.provider))
        self._reject(rejected)
        return jobs

    def _in_time(self, row: Any, decided: Message | Rejection | None) -> Message | Rejection:
        if decided is None:
            return Rejection(IndicationStatus.OBSOLETE, CHANGED)
        if isinstance(decided, Message) and self._now() - row.created_at > self._waits_at_most:
            return Rejection(IndicationStatus.OBSOLETE, OBSOLETE)
        return decided

    def _reject(self, rejected: Sequence[tuple[Any, Rejection]]) -> None:
        """What a dead worker may have handed over stays unknown; a type that is off, untried."""
        ended = {"delivery": Delivery.ENDED, "ended_at": self._now()}
        untried = [row.id for row, why in rejected if why.reason == NOT_ENABLED]
        changes = []
        for row, why in rejected:
            if row.id not in untried:
                status, reason = why.status, why.reason
                if row.provider is not None:
                    status, reason = IndicationStatus.UNDEFINED, INTERRUPTED
                changes.append({"id": row.id, "status": status, "reason": reason, **ended})
        self._record(changes, forgotten=untried)

    def _send(self, jobs: Sequence[Job]) -> None:
        """Offer the jobs to one provider after the other."""
        left = list(jobs)
        for provider in self._providers:
            size = BATCH if provider.is_repeatable else 1
            theirs = [job for job in left if job.is_for(provider)]
            others = [job for job in left if not job.is_for(provider)]
            rejected = (one for part in _parts(theirs, size) for one in self._offer(provider, part))
            left = [*others, *rejected]
        ended = {"delivery": Delivery.ENDED, "ended_at": self._now()}
        self._record([{"id": one.message.id, **ended, **one.outcome()} for one in left])

    def _offer(self, provider: Provider, jobs: Sequence[Job]) -> list[Job]:
        """Offer jobs to one provider; returns those it surely did not take."""
        self._record([job.started(provider) for job in jobs])
        ended, rejected, sent = [], [], []
        for job in jobs:
            self._stay()
            outcome: dict[str, Any] = {"status": IndicationStatus.SENT, "reason": ""}
            try:
                with tracing.span(f"send {provider.name}", tracing.Kind.CLIENT):
                    provider.send(job.message)
            except NotTaken as exc:
                job.reasons.append(f"{provider.name}: {exc}")
                rejected.append(job)
                continue
            except MaybeTaken as exc:
                reason = f"{provider.name}: {exc}; whether it was sent is not known"
                outcome = {"status": IndicationStatus.UNDEFINED, "reason": reason}
            else:
                sent.append(job.message)
            ended.append({"id": job.message.id, "delivery": Delivery.ENDED, **outcome})
        now = self._now()
        changes = [{**one, "ended_at": now} for one in ended]
        released = [job.message.id for job in rejected if job.held_by is None]
        self._record(changes, sent, released)
        return rejected

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
        forgotten: Sequence[UUID] = (),
    ) -> None:
        """Commit what became of attempts; `released` are with no provider any more.

        `forgotten` never were in any, and leave no trace.
        """
        if not (changes or released or forgotten):
            return
        model = self._attempts.model
        with self._database.writing() as session:
            self._keep(session)
            if changes:
                session.execute(update(model), changes)
            if released:
                nobody = [{"id": one, "provider": None} for one in released]
                session.execute(update(model), nobody)
            if forgotten:
                session.execute(delete(model).where(model.id.in_(forgotten)))
            self._attempts.keep_sent(session, sent, self._now())


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
