"""What people do with campaigns: write them, add people, approve, pause, resume, stop."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.audit.log import note_act
from common.db.database import insert_into
from common.errors import Invalid
from common.texts import N_, _
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from notification.campaigns.dry_run import fingerprint
from notification.campaigns.people import Person, is_meant
from notification.campaigns.reading import existing, newest_words
from notification.catalogue.events import active_event
from notification.catalogue.lookups import check_code
from notification.emit.choose import CRITICAL
from notification.emit.event_order import next_id
from notification.emit.written import as_written
from notification.errors import CampaignChanged, CampaignStatusForbids, SecondPersonNeeded
from notification.models import (
    Campaign,
    CampaignReach,
    CampaignRecipient,
    CampaignStatus,
    MessageStatus,
    OutboxMessage,
    Priority,
    RecipientStatus,
)
from notification.outbox.asking_again import STOPPED

MOST_PEOPLE = 50_000
_TOO_URGENT = N_("A campaign is not CRITICAL: it keeps people's quiet hours.")
_OPEN = (CampaignStatus.DRAFT, CampaignStatus.RUNNING, CampaignStatus.PAUSED)


def create(session: Session, given: Mapping[str, Any], who: str, now: datetime) -> Campaign:
    """A draft without people. Raises UnknownEvent, UnknownCode, Invalid (priority)."""
    _check(session, given)
    campaign = Campaign(
        **{**given, "context": as_written(given["context"])},
        authors=[who],
        next_attempt_at=now,
        status=CampaignStatus.DRAFT,
    )
    active_event(session, campaign.event_code)
    session.add(campaign)
    session.flush()
    note_act(session, "campaign.created", campaign.id, campaign.name)
    return campaign


def change(
    session: Session, campaign_id: uuid.UUID, changes: Mapping[str, Any], who: str
) -> Campaign:
    """Change a draft; the rate also of a campaign that was approved.

    Raises UnknownRecord, CampaignStatusForbids, UnknownCode, Invalid.
    """
    _check(session, changes)
    campaign = existing(session, campaign_id, lock=True)
    is_draft = campaign.status is CampaignStatus.DRAFT
    if campaign.status not in _OPEN or (not is_draft and changes.keys() - {"rate"}):
        raise CampaignStatusForbids("changed", campaign.status)
    before = {name: getattr(campaign, name) for name in changes if name != "context"}
    for name, value in changes.items():
        setattr(campaign, name, as_written(value))
    if is_draft:
        _written_by(campaign, who)
    after = {name: changes[name] for name in before}
    note_act(session, "campaign.updated", campaign.id, campaign.name, before=before, after=after)
    return campaign


def _check(session: Session, given: Mapping[str, Any]) -> None:
    priority = given.get("priority")
    if priority is not None:
        check_code(session, Priority, "priority", priority)
    if priority == CRITICAL:
        raise Invalid(f"priority: {_(_TOO_URGENT)}", {"priority": [_TOO_URGENT]})


def _written_by(campaign: Campaign, who: str) -> None:
    """Whoever had a hand in it does not approve it; what was tried out counts no more."""
    campaign.authors = list(dict.fromkeys([*campaign.authors, who]))
    campaign.version += 1
    campaign.dry_run = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a list: who was added, was there already, is not meant by `only`."""

    added: int
    repeated: int
    filtered_out: int
    people: int


def add_people(
    session: Session, campaign_id: uuid.UUID, people: Sequence[Person], who: str
) -> Added:
    """Add those of a list who are meant, each person once.

    Raises UnknownRecord, CampaignStatusForbids, Invalid: too many people.
    """
    campaign = existing(session, campaign_id, lock=True)
    if campaign.status is not CampaignStatus.DRAFT:
        raise CampaignStatusForbids("given people", campaign.status)
    meant = [one for one in people if is_meant(one, campaign.only)]
    had = _count(session, campaign.id)
    _insert(session, campaign.id, meant)
    total = _count(session, campaign.id)
    if total > MOST_PEOPLE:
        reason = _("A campaign has at most %(most)s people.", most=MOST_PEOPLE)
        raise Invalid(f"recipients: {reason}", {"recipients": [reason]})
    filtered_out = len(people) - len(meant)
    campaign.filtered_out += filtered_out
    _written_by(campaign, who)
    added = Added(total - had, len(meant) - (total - had), filtered_out, total)
    count = {"count": added.added}
    note_act(session, "campaign.people_added", campaign.id, campaign.name, after=count)
    return added


def _count(session: Session, campaign_id: uuid.UUID) -> int:
    query = select(func.count()).where(CampaignRecipient.campaign_id == campaign_id)
    return session.scalar(query) or 0


def _insert(session: Session, campaign_id: uuid.UUID, people: Sequence[Person]) -> None:
    rows = [
        {
            "id": next_id(),
            "campaign_id": campaign_id,
            "user_id": one.recipient.user_id,
            "actor_type": one.recipient.actor_type,
            "given": one.given(),
            "status": RecipientStatus.WAITING,
        }
        for one in people
    ]
    if rows:
        statement = insert_into(session, CampaignRecipient.__table__)
        keys = ["campaign_id", "user_id", "actor_type"]
        session.execute(statement.on_conflict_do_nothing(index_elements=keys), rows)


def approve(
    session: Session, campaign_id: uuid.UUID, wanted: str, who: str, now: datetime
) -> Campaign:
    """Let a draft run as its dry run with the fingerprint `wanted` showed it.

    Raises UnknownRecord, CampaignStatusForbids, SecondPersonNeeded, CampaignChanged.
    """
    campaign = existing(session, campaign_id, lock=True)
    if campaign.status is not CampaignStatus.DRAFT:
        raise CampaignStatusForbids("approved", campaign.status)
    if who in campaign.authors:
        raise SecondPersonNeeded
    words = newest_words(session, campaign)
    shown = (campaign.dry_run or {}).get("fingerprint")
    if shown != wanted or shown != fingerprint(campaign.version, words):
        raise CampaignChanged
    campaign.templates = {language: str(one.id) for language, one in words.items()}
    campaign.approved_by, campaign.approved_at = who, now
    campaign.status, campaign.next_attempt_at = CampaignStatus.RUNNING, now
    _note(session, campaign, "approved", CampaignStatus.DRAFT)
    return campaign


def pause(session: Session, campaign_id: uuid.UUID, _who: str, _now: datetime) -> Campaign:
    """Let nothing more leave for now. Raises UnknownRecord, CampaignStatusForbids."""
    campaign = existing(session, campaign_id, lock=True)
    if campaign.status is not CampaignStatus.RUNNING:
        raise CampaignStatusForbids("paused", campaign.status)
    _moved(campaign, CampaignStatus.PAUSED)
    _note(session, campaign, "paused", CampaignStatus.RUNNING)
    return campaign


def resume(session: Session, campaign_id: uuid.UUID, _who: str, now: datetime) -> Campaign:
    """Go on. Raises UnknownRecord, CampaignStatusForbids, UnknownEvent."""
    campaign = existing(session, campaign_id, lock=True)
    if campaign.status is not CampaignStatus.PAUSED:
        raise CampaignStatusForbids("resumed", campaign.status)
    active_event(session, campaign.event_code)
    _moved(campaign, CampaignStatus.RUNNING)
    campaign.next_attempt_at, campaign.reason = now, None
    _look_at_messages(session, campaign.id, now)
    _note(session, campaign, "resumed", CampaignStatus.PAUSED)
    return campaign


def stop(session: Session, campaign_id: uuid.UUID, _who: str, now: datetime) -> Campaign:
    """Let nothing more leave, for good. Raises UnknownRecord, CampaignStatusForbids."""
    campaign = existing(session, campaign_id, lock=True)
    if campaign.status not in _OPEN:
        raise CampaignStatusForbids("stopped", campaign.status)
    before = campaign.status
    end(session, campaign, now)
    _note(session, campaign, "stopped", before)
    return campaign


def end(session: Session, campaign: Campaign, now: datetime) -> None:
    """Stop a campaign: who waits is left out, messages that wait are cancelled as they fall due."""
    _moved(campaign, CampaignStatus.STOPPED)
    campaign.ended_at = now
    person = CampaignRecipient
    session.execute(
        update(person)
        .where(person.campaign_id == campaign.id, person.status == RecipientStatus.WAITING)
        .values(status=RecipientStatus.LEFT_OUT, reason=STOPPED, given=None)
        .execution_options(synchronize_session=False)
    )
    _look_at_messages(session, campaign.id, now)
    forget_reach(session, campaign.id)


def forget_reach(session: Session, campaign_id: uuid.UUID) -> None:
    """Nobody else is queued: who has which text is of no use any more."""
    session.execute(delete(CampaignReach).where(CampaignReach.campaign_id == campaign_id))


def _moved(campaign: Campaign, status: CampaignStatus) -> None:
    """Whoever has a claim on it loses it."""
    campaign.status = status
    campaign.lease_token = campaign.lease_until = None


def _look_at_messages(session: Session, campaign_id: uuid.UUID, now: datetime) -> None:
    """What waits in the outbox is looked at now: it may leave again, or is cancelled."""
    theirs = select(CampaignRecipient.outbox_id).where(
        CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.outbox_id.is_not(None)
    )
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(theirs), OutboxMessage.status == MessageStatus.QUEUED)
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )


def _note(session: Session, campaign: Campaign, act: str, before: CampaignStatus) -> None:
    states = {"before": {"status": before}, "after": {"status": campaign.status}}
    note_act(session, f"campaign.{act}", campaign.id, campaign.name, **states)
