"""A campaign tried out: what it would send, to whom not and why, and what it would cost."""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from common.audit.log import note_act
from common.clock import rfc3339, utc_now
from common.db.database import Database
from sqlalchemy import update
from sqlalchemy.orm import Session

from notification.campaigns.choosing import Choice, Words, choose, merged
from notification.campaigns.reading import existing, newest_words, people_of
from notification.catalogue.events import active_event
from notification.config import Settings
from notification.emit.merging import MERGED
from notification.errors import CampaignChanged, CampaignStatusForbids
from notification.models import Campaign, CampaignRecipient, CampaignStatus, Event
from notification.outbox.costs import budgets, in_units

#: People read and decided about at once.
CHUNK = 1_000


@dataclass
class _Sums:
    """What is counted while the list is gone through."""

    people: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, list[uuid.UUID]] = field(default_factory=dict)

    def add(self, choices: Iterable[Choice]) -> None:
        for one in choices:
            self.people += 1
            if one.draft is None:
                reason = one.reason or ""
                self.left_out[reason] += 1
                self.reasons.setdefault(reason, []).append(one.recipient_id)
                continue
            language = one.draft.words.template.language
            self.messages[language] += 1
            if one.draft.words.sms:
                numbers = len((one.draft.to or "").split(","))
                self.segments[language] += one.draft.words.sms.segments * numbers


def fingerprint(version: int, words: Words) -> str:
    """Of what a dry run looked at: an approval names it. Pure."""
    content = [version, sorted((language, str(one.id)) for language, one in words.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def try_out(database: Database, settings: Settings, campaign_id: uuid.UUID) -> Campaign:
    """Go through the list as if it were now; nothing is queued. The result is kept.

    Raises UnknownRecord, UnknownEvent, CampaignStatusForbids, CampaignChanged.
    """
    with database.reading() as session:
        campaign = existing(session, campaign_id)
        _check_draft(campaign)
        event = active_event(session, campaign.event_code)
        words = newest_words(session, campaign)
        sums = _gone_through(session, campaign, event, words, settings)
        result = _result(session, campaign, words, sums, settings)
    with database.writing() as session:
        kept = existing(session, campaign_id, lock=True)
        _check_draft(kept)
        if kept.version != campaign.version:
            raise CampaignChanged
        _mark(session, campaign_id, sums)
        kept.dry_run = result
        note_act(session, "campaign.tried_out", kept.id, kept.name)
    return kept


def _check_draft(campaign: Campaign) -> None:
    if campaign.status is not CampaignStatus.DRAFT:
        raise CampaignStatusForbids("tried out", campaign.status)


def _gone_through(
    session: Session, campaign: Campaign, event: Event, words: Words, settings: Settings
) -> _Sums:
    sums, reached, after = _Sums(), set[bytes](), uuid.UUID(int=0)
    query = people_of(campaign.id).order_by(CampaignRecipient.id).limit(CHUNK)
    while people := session.scalars(query.where(CampaignRecipient.id > after)).all():
        choices = choose(
            session,
            campaign,
            event,
            words,
            people,
            moment=utc_now(),
            region=settings.phone_region,
            skipped_after=settings.skipped_after,
        )
        choices = merged(choices, reached)
        sums.add(choices)
        reached.update(digest for one in choices for digest in one.digests)
        after = people[-1].id
    return sums


def _result(
    session: Session, campaign: Campaign, words: Words, sums: _Sums, settings: Settings
) -> dict[str, Any]:
    segments = sums.segments.total()
    languages = [
        {
            "language": language,
            "template_id": str(words[language].id),
            "template_version": words[language].version,
            "messages": count,
            "segments": sums.segments[language],
        }
        for language, count in sorted(sums.messages.items())
    ]
    budget = next(
        (one for one in budgets(session, utc_now()) if one.event_code == campaign.event_code), None
    )
    return {
        "fingerprint": fingerprint(campaign.version, words),
        "at": rfc3339(utc_now()),
        "people": sums.people,
        "messages": sums.messages.total(),
        "merged": sums.left_out[MERGED],
        "left_out": dict(sorted(sums.left_out.items())),
        "filtered_out": campaign.filtered_out,
        "languages": languages,
        "segments": segments,
        "costs": [
            {"provider": name, "cost": in_units(segments * price)}
            for name, price in settings.sms_prices.items()
            if segments
        ],
        "currency": settings.currency,
        "sms_budget": budget and budget.sms_budget,
        "budget_spent": budget and budget.spent,
    }


def _mark(session: Session, campaign_id: uuid.UUID, sums: _Sums) -> None:
    """Everybody who would be left out has the reason, until another dry run."""
    person = CampaignRecipient
    everybody = update(person).where(person.campaign_id == campaign_id)
    apart = {"synchronize_session": False}
    session.execute(everybody.values(reason=None), execution_options=apart)
    for reason, ids in sums.reasons.items():
        for start in range(0, len(ids), CHUNK):
            some = update(person).where(person.id.in_(ids[start : start + CHUNK]))
            session.execute(some.values(reason=reason), execution_options=apart)
