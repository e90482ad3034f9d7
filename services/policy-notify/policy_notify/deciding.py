"""What was found becomes attempts: messages ready to leave, and refusals with their reasons."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from common.clock import utc_now
from common.database import Database
from common.ids import new_id
from sqlalchemy import insert

from policy_notify.candidates import Candidate
from policy_notify.config import Settings
from policy_notify.detection import find, searches
from policy_notify.eligibility import NO_PHONE, Refusal, Rules, refusal
from policy_notify.models import Delivery, IndicationDetails, IndicationStatus
from policy_notify.runs import Lease
from policy_notify.texts import TEMPLATE_KEYS, Texts


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
    """What is decided of a candidate: a refusal, or a text in a language for a number."""

    candidate: Candidate
    refusal: Refusal | None
    language: str | None = None
    message: str | None = None
    variables: dict[str, str] | None = None

    @property
    def status(self) -> IndicationStatus:
        """The attempt's status from here."""
        return self.refusal.status if self.refusal else IndicationStatus.UNDEFINED

    def row(self, run_id: UUID, now: datetime) -> dict[str, Any]:
        """The attempt's row."""
        candidate, refused = self.candidate, self.refusal
        return {
            "id": new_id(),
            "policy": candidate.policy,
            "type": candidate.type,
            "event_date": candidate.event_date,
            "attempt": candidate.attempts + 1,
            "status": self.status,
            "reason": refused.reason if refused else "",
            "delivery": Delivery.ENDED if refused else Delivery.READY,
            "run_id": run_id,
            "created_at": now,
            "ended_at": now if refused else None,
            "family": candidate.family,
            "recipient": None if refused else candidate.recipient,
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

    def decide(self, candidate: Candidate) -> Verdict:
        """Refuse, or write the message in the family's language."""
        refused = refusal(candidate.facts(self.zone), self.rules, self.today)
        if refused is None and candidate.recipient is None:
            refused = Refusal(IndicationStatus.ERROR, NO_PHONE)
        if refused is not None:
            return Verdict(candidate, refused)
        language, variables = self.texts.language(candidate.language), candidate.variables()
        text = self.texts.fill(language, TEMPLATE_KEYS[candidate.type], variables)
        return Verdict(candidate, None, language, text, variables)


def judge_for(settings: Settings, texts: Texts, today: date) -> Judge:
    """The judge of a run for `today`."""
    return Judge(rules_of(settings), texts, settings.scheme_timezone, today)


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
