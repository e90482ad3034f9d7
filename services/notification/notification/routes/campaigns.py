"""`/api/notification/campaigns/`: one text to a list of people, approved by a second person."""

import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.texts import _
from common.web.paging import Page, fetch_page, page_schema
from common.web.single import single
from flask import g, request
from flask.views import MethodView
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from notification.campaigns import acts
from notification.campaigns.dry_run import try_out
from notification.campaigns.people import Listed, read_csv
from notification.campaigns.reading import existing, of_filter, people_of, progress
from notification.container import container
from notification.models import Campaign, CampaignRecipient
from notification.routes.locations import LOCATION, PREFIX, location
from notification.routes.written_json import WrittenBlueprint
from notification.schemas.campaigns import (
    AddedOut,
    ApprovalIn,
    CampaignArgs,
    CampaignIn,
    CampaignOut,
    CampaignRecipientArgs,
    CampaignRecipientOut,
    PeopleIn,
    WholeCampaignOut,
    person_of,
)

blp = WrittenBlueprint("campaigns", __name__, url_prefix=f"{PREFIX}/campaigns")

READ, WRITE, ADMIN = "notification:read", "notification:emit", "notification:admin"
CAMPAIGN = single(CampaignOut)
CSV = "text/csv"
#: Lines that are told of, of those that cannot be read.
REJECTED_SHOWN = 100
_CHANGEABLE = ("name", "context", "priority", "rate")
_CSV_DOC = {
    "requestBody": {
        "required": True,
        "description": "With the columns `user_id`, `actor_type`, and as needed `to_phone`, "
        "`to_email`, `preferred_lang`; others are values of the person's own.",
        "content": {
            CSV: {
                "schema": {"type": "string"},
                "example": "user_id,actor_type,to_phone,name\n17,TEACHER,0712345678,Asha\n",
            }
        },
    },
    "responses": {
        str(code): {"$ref": f"#/components/responses/PROBLEM_{code}"} for code in (413, 415)
    },
}


def _who() -> str:
    return f"client:{g.identity.subject}"


@blp.route("/")
class Campaigns(MethodView):
    """All campaigns."""

    @blp.scope(READ)
    @blp.arguments(CampaignArgs, location="query")
    @blp.response(200, page_schema(CampaignOut))
    def get(self, query: dict[str, Any]) -> Page[Campaign]:
        """List campaigns, newest first."""
        wanted = of_filter(query.pop("status"), query.pop("event_code"))
        with container().database.reading() as session:
            return fetch_page(session, wanted, Campaign.id, **query)

    @blp.scope(WRITE)
    @blp.arguments(CampaignIn)
    @blp.response(201, CAMPAIGN, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Campaign, dict[str, str]]:
        """Write a draft; people are added to it, and a second person approves it."""
        with container().database.writing() as session:
            campaign = acts.create(session, given, _who(), utc_now())
        return campaign, location("campaigns", campaign.id)


@blp.route("/<uuid:campaign_id>/")
class OneCampaign(MethodView):
    """One campaign."""

    @blp.scope(READ)
    @blp.response(200, single(WholeCampaignOut))
    def get(self, campaign_id: uuid.UUID) -> dict[str, Any]:
        """Read a campaign, and how far it has come."""
        with container().database.reading() as session:
            campaign = existing(session, campaign_id)
            members = {name: getattr(campaign, name) for name in CampaignOut().fields}
            return {**members, "progress": progress(session, campaign)}

    @blp.scope(WRITE)
    @blp.arguments(CampaignIn(only=_CHANGEABLE, partial=True), example={"rate": 5})
    @blp.response(200, CAMPAIGN)
    def patch(self, changes: dict[str, Any], campaign_id: uuid.UUID) -> Campaign:
        """Change a draft, which must be tried out again then; `rate` also while it runs."""
        with container().database.writing() as session:
            return acts.change(session, campaign_id, changes, _who())


@blp.route("/<uuid:campaign_id>/recipients/", methods=["GET"])
@blp.scope(READ)
@blp.arguments(CampaignRecipientArgs, location="query")
@blp.response(200, page_schema(CampaignRecipientOut))
def list_recipients(query: dict[str, Any], campaign_id: uuid.UUID) -> Page[CampaignRecipient]:
    """List a campaign's people, the last of its list first: who waits, was queued, is left out."""
    with container().database.reading() as session:
        existing(session, campaign_id)
        wanted = people_of(campaign_id, query.pop("status"), query.pop("reason"))
        return fetch_page(session, wanted, CampaignRecipient.id, **query)


@blp.route("/<uuid:campaign_id>/recipients/", methods=["POST"])
@blp.scope(WRITE)
@blp.arguments(PeopleIn)
@blp.response(200, AddedOut)
def add_recipients(given: dict[str, Any], campaign_id: uuid.UUID) -> dict[str, Any]:
    """Add people to a draft; who is on its list already stays as he is."""
    return _added(campaign_id, Listed(given["recipients"]))


@blp.route("/<uuid:campaign_id>/list/", methods=["POST"])
@blp.doc(**_CSV_DOC)
@blp.scope(WRITE)
@blp.response(200, AddedOut)
def add_list(campaign_id: uuid.UUID) -> dict[str, Any]:
    """Add the people of a CSV file to a draft: commas, semicolons or tabs, UTF-8 or Windows-1252.

    The good lines are added, the others are told of with their numbers.
    """
    if request.mimetype != CSV:
        raise UnsupportedMediaType(_("The body must be %(type)s", type=CSV))
    return _added(campaign_id, read_csv(request.get_data(cache=False), person_of))


def _added(campaign_id: uuid.UUID, listed: Listed) -> dict[str, Any]:
    with container().database.writing() as session:
        added = acts.add_people(session, campaign_id, listed.people, _who())
    rejected = listed.rejected
    shown = {"rejected": rejected[:REJECTED_SHOWN], "rejected_count": len(rejected)}
    return {**asdict(added), **shown}


@blp.route("/<uuid:campaign_id>/dry-run/", methods=["POST"])
@blp.scope(WRITE, ADMIN)
@blp.response(200, CAMPAIGN)
def try_campaign_out(campaign_id: uuid.UUID) -> Campaign:
    """Go through a draft's list as if it were sent now: who, in which words, at what cost."""
    process = container()
    return try_out(process.database, process.settings, campaign_id)


@blp.route("/<uuid:campaign_id>/approve/", methods=["POST"])
@blp.scope(ADMIN)
@blp.arguments(ApprovalIn)
@blp.response(200, CAMPAIGN)
def approve_campaign(given: dict[str, Any], campaign_id: uuid.UUID) -> Campaign:
    """Let a draft run as its dry run has shown it; 403 for whoever wrote it or added people."""
    with container().database.writing() as session:
        return acts.approve(session, campaign_id, given["fingerprint"], _who(), utc_now())


@blp.route("/<uuid:campaign_id>/pause/", methods=["POST"])
@blp.scope(ADMIN)
@blp.response(200, CAMPAIGN)
def pause_campaign(campaign_id: uuid.UUID) -> Campaign:
    """Let nothing more leave for now; what is on its way at this moment arrives."""
    return _done(campaign_id, acts.pause)


@blp.route("/<uuid:campaign_id>/resume/", methods=["POST"])
@blp.scope(ADMIN)
@blp.response(200, CAMPAIGN)
def resume_campaign(campaign_id: uuid.UUID) -> Campaign:
    """Go on where the campaign was paused."""
    return _done(campaign_id, acts.resume)


@blp.route("/<uuid:campaign_id>/stop/", methods=["POST"])
@blp.scope(ADMIN)
@blp.response(200, CAMPAIGN)
def stop_campaign(campaign_id: uuid.UUID) -> Campaign:
    """Let nothing more leave, for good; what waits in the outbox is cancelled."""
    return _done(campaign_id, acts.stop)


def _done(
    campaign_id: uuid.UUID, act: Callable[[Session, uuid.UUID, str, datetime], Campaign]
) -> Campaign:
    with container().database.writing() as session:
        campaign = act(session, campaign_id, _who(), utc_now())
    container().wake_up.send()
    return campaign
