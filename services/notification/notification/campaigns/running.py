"""Approved campaigns run: portion by portion their messages are queued, at the campaign's rate.

A portion is claimed under a lease and decided about outside of a transaction; it is queued, whole
or not at all, while the claim still stands: a pause, a stop, another worker takes it away.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from common.clock import utc_now
from common.db.database import Database, insert_into
from common.jobs.leases import ClaimLost, claim_due, held, is_any_due
from common.logs import get_logger
from common.texts import N_
from sqlalchemy import Table, bindparam, func, literal, select, update
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session

from notification.campaigns.acts import forget_reach
from notification.campaigns.choosing import Choice, choose, merged
from notification.campaigns.reading import approved_words, is_in_transit, portion
from notification.catalogue.lookups import ranks
from notification.config import Settings
from notification.emit.enqueue import queue, rows_of
from notification.emit.event import Emission
from notification.models import (
    Campaign,
    CampaignReach,
    CampaignRecipient,
    CampaignStatus,
    Event,
    OutboxMessage,
    RecipientStatus,
)
from notification.models.outbox import IS_WAITING

log = get_logger(__name__)

#: Campaigns claimed at once, and people decided about at once.
CAMPAIGNS, MOST_AT_ONCE = 10, 1_000
#: A worker that was away does not make up for more than this.
MADE_UP_FOR = timedelta(seconds=5)
#: A campaign whose messages do not leave, and one that is queued whole, are looked at again then.
WHEN_FULL, WHEN_QUEUED = timedelta(seconds=1), timedelta(seconds=10)
BROKE = "A fault of the program met it"
_DATABASE_AWAY = (OperationalError, InterfaceError, TimeoutError)
EVENT_NOT_IN_USE = N_("Its event is not in use")

_PEOPLE = cast(Table, CampaignRecipient.__table__)
_DECIDED = (
    update(_PEOPLE)
    .where(_PEOPLE.c.id == bindparam("of"))
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        outbox_id=bindparam("new_outbox_id"),
        given=None,
    )
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A campaign in a worker's hands."""

    campaign_id: uuid.UUID
    token: uuid.UUID


@dataclass(frozen=True)
class Portion:
    """What is to become of a claimed campaign now."""

    event: Event | None
    choices: Sequence[Choice] = ()
    #: Nobody waits any more.
    is_last: bool = False
    #: Enough of its messages wait in the outbox.
    is_full: bool = False


def run_due(database: Database, settings: Settings) -> int:
    """Queue a portion of each campaign that is due; returns how many messages were queued."""
    queued = 0
    for claim in _claimed(database, timedelta(seconds=settings.lease_s)):
        try:
            queued += _run(database, settings, claim)
        except ClaimLost:
            log.info("campaign_left_to_others", campaign_id=str(claim.campaign_id))
        except _DATABASE_AWAY as exc:
            _waits(claim, exc)
        except Exception as exc:
            log.exception("campaign_broke", campaign_id=str(claim.campaign_id))
            _pause_broken(database, claim, exc)
    return queued


def _waits(claim: Claim, exc: SQLAlchemyError) -> None:
    """Its lease ends and it is taken up again."""
    reason = type(exc).__name__
    log.error("campaign_waits", campaign_id=str(claim.campaign_id), reason=reason)


def _pause_broken(database: Database, claim: Claim, fault: Exception) -> None:
    """A bug of ours would meet it again at once: somebody looks, and resumes it."""
    try:
        with database.writing() as session:
            campaign = _held(session, claim, lock=True)
            campaign.status = CampaignStatus.PAUSED
            campaign.reason = f"{BROKE} ({type(fault).__name__}): the worker's log says where"
            campaign.lease_token = campaign.lease_until = None
    except ClaimLost:
        log.info("campaign_left_to_others", campaign_id=str(claim.campaign_id))
    except SQLAlchemyError as exc:
        _waits(claim, exc)


def _claimed(database: Database, lease: timedelta) -> list[Claim]:
    runs, now = Campaign.status == CampaignStatus.RUNNING, utc_now()
    if not is_any_due(database, Campaign, runs, now=now):
        return []
    with database.writing() as session:
        rows = claim_due(
            session,
            Campaign,
            runs,
            order_by=[Campaign.next_attempt_at],
            limit=CAMPAIGNS,
            now=now,
            lease=lease,
        )
        return [Claim(row.id, row.lease_token) for row in rows if row.lease_token]


def _run(database: Database, settings: Settings, claim: Claim) -> int:
    with database.reading() as session:
        found = _decided(session, _held(session, claim), settings)
    now = utc_now()
    with database.writing() as session:
        campaign = _held(session, claim, lock=True)
        campaign.lease_token = campaign.lease_until = None
        if found.event is None:
            campaign.status, campaign.reason = CampaignStatus.PAUSED, EVENT_NOT_IN_USE
            return 0
        if found.is_last:
            _end(session, campaign, now)
            return 0
        if found.is_full:
            campaign.next_attempt_at = now + WHEN_FULL
            return 0
        count = _queue(session, campaign, found.event, found.choices, now)
        campaign.next_attempt_at = next_portion_at(
            campaign.next_attempt_at, now, count, campaign.rate
        )
        return count


def _held(session: Session, claim: Claim, *, lock: bool = False) -> Campaign:
    """The campaign, while the claim stands. Raises ClaimLost."""
    query = select(Campaign).where(
        Campaign.id == claim.campaign_id,
        Campaign.status == CampaignStatus.RUNNING,
        held(Campaign, claim.token),
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise ClaimLost
    return found


def _decided(session: Session, campaign: Campaign, settings: Settings) -> Portion:
    event = session.scalar(select(Event).where(Event.code == campaign.event_code, Event.is_active))
    if event is None:
        return Portion(None)
    size = portion_size(campaign.rate)
    people = portion(session, campaign.id, size)
    if not people:
        return Portion(event, is_last=True)
    if _waiting(session, campaign, most=2 * size + 10):
        return Portion(event, is_full=True)
    choices = choose(
        session,
        campaign,
        event,
        approved_words(session, campaign),
        people,
        moment=utc_now(),
        region=settings.phone_region,
        skipped_after=settings.skipped_after,
    )
    return Portion(event, merged(choices, _reached(session, campaign.id, choices)))


def _reached(session: Session, campaign_id: uuid.UUID, choices: Sequence[Choice]) -> set[bytes]:
    """Which of the choices' texts are on their telephones already."""
    digests = [digest for one in choices for digest in one.digests]
    query = select(CampaignReach.digest).where(
        CampaignReach.campaign_id == campaign_id, CampaignReach.digest.in_(digests)
    )
    return set(session.scalars(query)) if digests else set()


def _waiting(session: Session, campaign: Campaign, most: int) -> bool:
    """Whether so many of its messages are due that queueing more would only make a heap."""
    some = (
        select(literal(1))
        .where(
            OutboxMessage.channel == campaign.channel,
            OutboxMessage.rank == ranks(session)[campaign.priority],
            IS_WAITING,
            OutboxMessage.next_attempt_at <= utc_now(),
            OutboxMessage.rule_id == campaign.id,
        )
        .limit(most)
    )
    return (session.scalar(select(func.count()).select_from(some.subquery())) or 0) >= most


def _queue(
    session: Session, campaign: Campaign, event: Event, choices: Sequence[Choice], now: datetime
) -> int:
    """Queue a portion's messages; whoever is in it is decided about. Returns how many messages."""
    drafts = [one.draft for one in choices if one.draft is not None]
    rows = rows_of(_emission(campaign), event, drafts, now)
    ids = iter(queue(session, rows, drafts).ids if rows else ())
    decided = [_decided_row(one, next(ids) if one.draft else None) for one in choices]
    session.execute(_DECIDED, decided)
    digests = [
        {"campaign_id": campaign.id, "digest": digest} for one in choices for digest in one.digests
    ]
    if digests:
        statement = insert_into(session, CampaignReach.__table__)
        session.execute(statement.on_conflict_do_nothing(), digests)
    return len(drafts)


def _emission(campaign: Campaign) -> Emission:
    """The campaign as an event's emission: its messages have the same key whoever queues them."""
    return Emission(
        event_code=campaign.event_code,
        context={},
        recipients=(),
        idempotency_key=f"campaign:{campaign.id}",
        entity_type="campaign",
        entity_id=str(campaign.id),
    )


def _decided_row(choice: Choice, outbox_id: uuid.UUID | None) -> dict[str, object]:
    queued = outbox_id is not None
    return {
        "of": choice.recipient_id,
        "new_status": RecipientStatus.QUEUED if queued else RecipientStatus.LEFT_OUT,
        "new_reason": choice.reason,
        "new_outbox_id": outbox_id,
    }


def _end(session: Session, campaign: Campaign, now: datetime) -> None:
    """A campaign is done when none of its messages may leave any more."""
    if is_in_transit(session, campaign.id):
        campaign.next_attempt_at = now + WHEN_QUEUED
        return
    campaign.status, campaign.ended_at = CampaignStatus.DONE, now
    forget_reach(session, campaign.id)
    log.info("campaign_done", campaign_id=str(campaign.id))


def portion_size(rate: int) -> int:
    """How many people are decided about at once: a second's messages of `rate` a minute. Pure."""
    return max(1, min(MOST_AT_ONCE, round(rate / 60)))


def next_portion_at(due: datetime, now: datetime, count: int, rate: int) -> datetime:
    """When the next portion is due after `count` messages, at `rate` a minute. Pure.

    Counted from when this one was due, so that late looks cost no speed.
    """
    begun = max(due, now - MADE_UP_FOR)
    return begun + timedelta(minutes=count / rate)
