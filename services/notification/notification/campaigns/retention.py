"""How long campaigns keep their lists: what became of everybody is counted before they go."""

from dataclasses import asdict
from datetime import datetime

from common.clock import utc_now
from common.db.database import Database
from sqlalchemy import and_, delete, or_, select

from notification.campaigns.acts import end
from notification.campaigns.reading import progress
from notification.models import Campaign, CampaignRecipient, CampaignStatus

_ENDED = (CampaignStatus.STOPPED, CampaignStatus.DONE)


def forget_lists(database: Database, oldest: datetime) -> int:
    """Forget the lists of campaigns that ended before `oldest`, and drafts left lying since then.

    Such drafts are stopped. Returns how many campaigns that were.
    """
    is_old = or_(
        and_(Campaign.status.in_(_ENDED), Campaign.ended_at < oldest),
        and_(Campaign.status == CampaignStatus.DRAFT, Campaign.updated_at < oldest),
    )
    with database.reading() as session:
        ids = session.scalars(select(Campaign.id).where(is_old, Campaign.counts.is_(None))).all()
    for campaign_id in ids:
        with database.writing() as session:
            campaign = session.scalar(
                select(Campaign).where(Campaign.id == campaign_id, is_old).with_for_update()
            )
            if campaign is None:
                continue
            if campaign.status is CampaignStatus.DRAFT:
                end(session, campaign, utc_now())
            campaign.counts = asdict(progress(session, campaign))
            person = CampaignRecipient
            session.execute(delete(person).where(person.campaign_id == campaign_id))
    return len(ids)
