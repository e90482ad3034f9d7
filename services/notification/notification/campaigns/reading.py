"""Questions to campaigns: which there are, their words, and how far they have come."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from notification.campaigns.choosing import Words
from notification.catalogue.templates import newest_templates
from notification.errors import UnknownRecord
from notification.models import (
    Campaign,
    CampaignRecipient,
    MessageStatus,
    OutboxMessage,
    RecipientStatus,
    Template,
)

#: Messages that may still leave, or of which a provider is being asked.
IN_TRANSIT = or_(
    OutboxMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)),
    and_(
        OutboxMessage.status.in_((MessageStatus.FAILED, MessageStatus.UNKNOWN)),
        OutboxMessage.is_final.is_(False),
    ),
)


def existing(session: Session, campaign_id: uuid.UUID, *, lock: bool = False) -> Campaign:
    """The campaign of this id. Raises UnknownRecord."""
    found = session.get(Campaign, campaign_id, with_for_update=lock or None)
    if found is None:
        raise UnknownRecord("campaign", campaign_id)
    return found


def newest_words(session: Session, campaign: Campaign) -> Words:
    """The words that are in use now for the campaign's event and channel."""
    found = newest_templates(session, campaign.event_code)
    return {lang: one for (channel, lang), one in found.items() if channel is campaign.channel}


def approved_words(session: Session, campaign: Campaign) -> Words:
    """The words that were approved, in the versions that were."""
    ids = [uuid.UUID(one) for one in (campaign.templates or {}).values()]
    found = session.scalars(select(Template).where(Template.id.in_(ids)))
    return {one.language: one for one in found}


def people_of(
    campaign_id: uuid.UUID, status: RecipientStatus | None = None, reason: str | None = None
) -> Select[Any]:
    """A campaign's people; what is None does not count."""
    query = select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id)
    if status is not None:
        query = query.where(CampaignRecipient.status == status)
    if reason is not None:
        query = query.where(CampaignRecipient.reason == reason)
    return query


@dataclass(frozen=True)
class Progress:
    """How far a campaign has come: people, who waits, who was left out by reason, messages."""

    people: int
    waiting: int
    left_out: Mapping[str, int]
    messages: Mapping[str, int]

    @property
    def in_transit(self) -> int:
        """Messages that wait in the outbox or are being sent; failures may be tried again."""
        return self.messages.get("QUEUED", 0) + self.messages.get("SENDING", 0)


def progress(session: Session, campaign: Campaign) -> Progress:
    """What has become of everybody."""
    if campaign.counts is not None:
        return Progress(**campaign.counts)
    person = CampaignRecipient
    counted = session.execute(
        select(person.status, person.reason, func.count())
        .where(person.campaign_id == campaign.id)
        .group_by(person.status, person.reason)
    ).all()
    by_status: Counter[RecipientStatus] = Counter()
    left_out: dict[str, int] = {}
    for status, reason, count in counted:
        by_status[status] += count
        if status is RecipientStatus.LEFT_OUT:
            left_out[reason or ""] = count
    messages = session.execute(
        select(OutboxMessage.status, func.count())
        .join(person, person.outbox_id == OutboxMessage.id)
        .where(person.campaign_id == campaign.id)
        .group_by(OutboxMessage.status)
        .order_by(OutboxMessage.status)
    )
    return Progress(
        people=by_status.total(),
        waiting=by_status[RecipientStatus.WAITING],
        left_out=dict(sorted(left_out.items())),
        messages={str(status): count for status, count in messages},
    )


def is_in_transit(session: Session, campaign_id: uuid.UUID) -> bool:
    """Whether a message of the campaign may still leave, or is being asked about."""
    person = CampaignRecipient
    some = (
        select(person.id)
        .join(OutboxMessage, person.outbox_id == OutboxMessage.id)
        .where(person.campaign_id == campaign_id, IN_TRANSIT)
        .limit(1)
    )
    return session.scalar(some) is not None


def of_filter(status: str | None, event_code: str | None) -> Select[Any]:
    """The campaigns that meet every condition; None does not count."""
    query = select(Campaign)
    if status is not None:
        query = query.where(Campaign.status == status)
    return query if event_code is None else query.where(Campaign.event_code == event_code)


def portion(session: Session, campaign_id: uuid.UUID, size: int) -> Sequence[CampaignRecipient]:
    """The next people whose messages are to be queued."""
    waiting = people_of(campaign_id, RecipientStatus.WAITING)
    return session.scalars(waiting.order_by(CampaignRecipient.id).limit(size)).all()
