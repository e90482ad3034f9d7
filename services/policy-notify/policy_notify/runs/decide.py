"""What was found becomes attempts: messages ready to leave, and rejections with their reasons."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from common.clock import utc_now
from common.db.database import Database
from common.ids import new_id
from sqlalchemy import insert
from sqlalchemy.orm import Session

from policy_notify.config import Settings
from policy_notify.models import Delivery, IndicationDetails, IndicationStatus, NotificationType
from policy_notify.runs.candidates import Candidate
from policy_notify.runs.detect import (
    UNDATED,
    Practice,
    Search,
    find,
    practice_of,
    searches,
    still_found,
)
from policy_notify.runs.eligibility import NO_PHONE, Rejection, Rules, rejection, unknown_value
from policy_notify.runs.lease import Lease
from policy_notify.texts.catalogue import TEMPLATE_KEYS, Texts, spoken_as


def rules_of(settings: Settings) -> Rules:
    """The settings that decide."""
    return Rules(
        enabled=settings.eligible_types,
        activation_relevance_days=settings.activation_relevance_days,
        renewal_relevance_days=settings.renewal_relevance_days,
        catch_up_days=settings.catch_up_days,
    )


@dataclass(frozen=True)
class Verdict:
    """What is decided of a candidate: a rejection, or a text in a language for a number."""

    candidate: Candidate
    rejection: Rejection | None
    language: str | None = None
    message: str | None = None
    variables: dict[str, str] | None = None
    spoken_as: NotificationType | None = None

    @property
    def status(self) -> IndicationStatus:
        """The attempt's status from here."""
        return self.rejection.status if self.rejection else IndicationStatus.UNDEFINED

    def row(self, run_id: UUID, now: datetime) -> dict[str, Any]:
        """The attempt's row."""
        candidate, rejected = self.candidate, self.rejection
        return {
            "id": new_id(),
            "policy": candidate.policy,
            "type": candidate.type,
            "event_date": candidate.event_date,
            "attempt": candidate.attempts + 1,
            "status": self.status,
            "reason": rejected.reason if rejected else "",
            "delivery": Delivery.ENDED if rejected else Delivery.READY,
            "run_id": run_id,
            "created_at": now,
            "ended_at": now if rejected else None,
            "family": candidate.family,
            "recipient": None if rejected else candidate.recipient,
            "language": self.language,
            "message": self.message,
            "variables": self.variables,
        }


@dataclass(frozen=True)
class Judge:
    """Decides on candidates for one day. Pure."""

    rules: Rules
    texts: Texts
    zone: tzinfo
    today: date
    practice: Practice = Practice()

    def decide(self, candidate: Candidate) -> Verdict:
        """Reject, or write the message in the family's language."""
        rejected = rejection(candidate.facts(self.zone), self.rules, self.today)
        if rejected is None and candidate.recipient is None:
            rejected = Rejection(IndicationStatus.ERROR, NO_PHONE)
        if rejected is not None:
            return Verdict(candidate, rejected)
        spoken = spoken_as(candidate.type, candidate.event_date, self.today)
        language, variables = self.texts.language(candidate.language), candidate.variables()
        key = TEMPLATE_KEYS[spoken]
        hole = self.texts.lacks(language, key, variables)
        if hole is not None:
            return Verdict(candidate, Rejection(IndicationStatus.NOT_VALID, unknown_value(hole)))
        text = self.texts.fill(language, key, variables)
        enabled = spoken if spoken in self.rules.enabled else candidate.type
        return Verdict(candidate, None, language, text, variables, enabled)


def judge_for(settings: Settings, texts: Texts, today: date) -> Judge:
    """The judge of a run for `today`."""
    zone, practice = settings.scheme_timezone, practice_of(settings)
    return Judge(rules_of(settings), texts, zone, today, practice)


def decide_again(
    session: Session, judge: Judge, rows: Iterable[IndicationDetails]
) -> dict[UUID, Verdict]:
    """What `judge` decides of attempts now, by their ids; one whose cause is gone has none."""
    by_search: dict[Search, list[IndicationDetails]] = defaultdict(list)
    for row in rows:
        day = None if row.type in UNDATED else row.event_date
        by_search[Search(row.type, day, judge.practice)].append(row)
    found = {}
    for search, attempts in by_search.items():
        candidates = still_found(session, search, [row.policy for row in attempts])
        for row in attempts:
            if row.policy in candidates:
                found[row.id] = judge.decide(candidates[row.policy])
    return found


def decide_all(
    database: Database,
    settings: Settings,
    judge: Judge,
    run_id: UUID,
    lease: Lease,
    is_stopping: Callable[[], bool],
) -> bool:
    """Search, decide and record, batch by batch; False when it was stopped. Raises RunLost."""
    for search in searches(settings, judge.today):
        with database.writing() as session:
            lease.keep(session)
        for batch in find(database, search, run_id):
            now = utc_now()
            rows = [judge.decide(candidate).row(run_id, now) for candidate in batch]
            with database.writing() as session:
                lease.keep(session)
                session.execute(insert(IndicationDetails), rows)
            if is_stopping():
                return False
    return True
