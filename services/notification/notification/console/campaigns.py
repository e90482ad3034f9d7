"""`/admin/notification/campaigns/`: one text to a list of people, approved by a second person."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from common.reasons import reason
from common.texts import _, ngettext, number
from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from notification.campaigns import acts
from notification.campaigns.dry_run import try_out
from notification.campaigns.people import Listed, read_csv
from notification.campaigns.reading import (
    approved_words,
    existing,
    newest_words,
    of_filter,
    people_of,
    progress,
)
from notification.console.blueprint import pages
from notification.console.forms import CampaignForm, RateForm
from notification.console.reading import choices as codes
from notification.console.reading import event_codes, rows_of
from notification.console.saving import save
from notification.container import container
from notification.emit.choose import CRITICAL
from notification.models import (
    Campaign,
    CampaignRecipient,
    CampaignStatus,
    Channel,
    Priority,
    RecipientStatus,
)
from notification.schemas.campaigns import (
    USUAL_PRIORITY,
    USUAL_RATE,
    CampaignArgs,
    CampaignRecipientArgs,
    person_of,
)

CSV = (
    Column("Id", lambda one: one.id),
    Column("Made", lambda one: one.created_at),
    Column("Name", lambda one: one.name),
    Column("Event", lambda one: one.event_code),
    Column("Channel", lambda one: one.channel),
    Column("Status", lambda one: one.status),
    Column("Written by", lambda one: ", ".join(one.authors)),
    Column("Approved by", lambda one: one.approved_by),
    Column("Ended", lambda one: one.ended_at),
)
PEOPLE_CSV = (
    Column("User", lambda one: one.user_id),
    Column("Actor type", lambda one: one.actor_type),
    Column("Status", lambda one: one.status),
    Column("Reason", lambda one: one.reason),
    Column("Message", lambda one: one.outbox_id),
)
#: Lines that are told of, of those that cannot be read.
_REJECTED_SHOWN = 5


def _who() -> str:
    return f"staff:{g.staff.name}"


@pages.page("/campaigns/")
def campaigns() -> ResponseReturnValue:
    """The campaigns that meet the filters, newest first."""
    filters = read_filters(CampaignArgs(exclude=["limit", "cursor"]))
    fetch = rows_of(lambda: of_filter(**filters.values), Campaign.id)
    return listing(
        "pages/campaigns.html",
        fetch,
        filters,
        csv_name="campaigns",
        columns=CSV,
        statuses=choices(CampaignStatus),
        events=event_codes(),
    )


@pages.page("/campaigns/new/", StaffRole.OPERATOR)
def new_campaign() -> ResponseReturnValue:
    """The form of a campaign to come."""
    return _new(Form.of({"priority": USUAL_PRIORITY, "rate": USUAL_RATE}))


@pages.act("/campaigns/new/", StaffRole.OPERATOR)
def create_campaign() -> ResponseReturnValue:
    """Write a draft."""
    form = read_form(CampaignForm())
    form, made = save(form, lambda session: _created(session, form.values))
    if made is None:
        return _new(form), 422
    flash(_("The draft is made. Add people to it, and try it out."))
    return redirect(url_for("console.campaign", campaign_id=made.id), 303)


def _created(session: Session, given: Mapping[str, Any]) -> Campaign:
    try:
        return acts.create(session, given, _who(), utc_now())
    except NotFound as exc:
        raise Invalid(str(exc), {"event_code": [f"{exc}."]}) from exc


def _new(form: Form) -> str:
    return render_template(
        "pages/campaign_new.html",
        form=form,
        events=event_codes(),
        channels=codes(Channel),
        priorities=[one for one in codes(Priority) if one[0] != CRITICAL],
    )


@pages.page("/campaigns/<uuid:campaign_id>/")
def campaign(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """A campaign: its words, what its dry run found, how far it has come."""
    with container().database.reading() as session:
        found = existing(session, campaign_id)
        is_draft = found.status is CampaignStatus.DRAFT
        words = newest_words(session, found) if is_draft else approved_words(session, found)
        come = progress(session, found)
    return render_template(
        "pages/campaign.html",
        campaign=found,
        words=[words[language] for language in sorted(words)],
        progress=come,
        form=Form.of({"rate": found.rate}),
        is_own=_who() in found.authors,
    )


@pages.page("/campaigns/<uuid:campaign_id>/people/")
def campaign_people(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """A campaign's people: who waits, was queued, is left out and why; without addresses."""
    filters = read_filters(CampaignRecipientArgs(exclude=["limit", "cursor"]))
    with container().database.reading() as session:
        found = existing(session, campaign_id)
    return listing(
        "pages/campaign_people.html",
        rows_of(lambda: people_of(campaign_id, **filters.values), CampaignRecipient.id),
        filters,
        csv_name="campaign-people",
        columns=PEOPLE_CSV,
        campaign=found,
        statuses=choices(RecipientStatus),
    )


@pages.act("/campaigns/<uuid:campaign_id>/people/", StaffRole.OPERATOR)
def add_campaign_people(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Add the people of a CSV file."""
    file = request.files.get("list")

    def add() -> str:
        listed = read_csv(file.read() if file else b"", person_of)
        with container().database.writing() as session:
            added = acts.add_people(session, campaign_id, listed.people, _who())
        return _summary(added, listed)

    return _tried(campaign_id, add)


def _summary(added: acts.Added, listed: Listed) -> str:
    summary = _(
        "Added: %(added)s, on the list already: %(repeated)s, not meant: %(filtered_out)s.",
        added=number(added.added),
        repeated=number(added.repeated),
        filtered_out=number(added.filtered_out),
    )
    if not listed.rejected:
        return summary
    shown = "; ".join(
        _("line %(line)s: %(reason)s", line=one.line, reason=reason(one.reason))
        for one in listed.rejected[:_REJECTED_SHOWN]
    )
    cannot = ngettext(
        "%(count)s line cannot be read: %(shown)s",
        "%(count)s lines cannot be read: %(shown)s",
        len(listed.rejected),
        shown=shown,
    )
    return f"{summary} {cannot}"


@pages.act("/campaigns/<uuid:campaign_id>/dry-run/", StaffRole.OPERATOR)
def try_campaign_out(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Go through the list as if it were sent now."""

    def run() -> str:
        process = container()
        try_out(process.database, process.settings, campaign_id)
        return _("The list was gone through; nothing was sent.")

    return _tried(campaign_id, run)


@pages.act("/campaigns/<uuid:campaign_id>/approve/", StaffRole.OPERATOR)
def approve_campaign(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Let it run as its dry run has shown it."""
    wanted = request.form.get("fingerprint", "")

    def approve(session: Session, found: uuid.UUID, who: str, now: datetime) -> Campaign:
        return acts.approve(session, found, wanted, who, now)

    return _done(campaign_id, approve, _("The campaign runs."))


@pages.act("/campaigns/<uuid:campaign_id>/rate/", StaffRole.OPERATOR)
def change_campaign_rate(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Let it run faster or slower."""
    form = read_form(RateForm())
    if form.errors:
        flash(_("Messages a minute: %(error)s", error=form.error("rate")), "bad")
        return redirect(url_for("console.campaign", campaign_id=campaign_id), 303)

    def change(session: Session, found: uuid.UUID, who: str, _now: datetime) -> Campaign:
        return acts.change(session, found, form.values, who)

    return _done(campaign_id, change, _("Saved."))


@pages.act("/campaigns/<uuid:campaign_id>/pause/", StaffRole.OPERATOR)
def pause_campaign(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Let nothing more leave for now."""
    said = _("Nothing more leaves until the campaign is resumed.")
    return _done(campaign_id, acts.pause, said)


@pages.act("/campaigns/<uuid:campaign_id>/resume/", StaffRole.OPERATOR)
def resume_campaign(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Go on."""
    return _done(campaign_id, acts.resume, _("The campaign goes on."))


@pages.act("/campaigns/<uuid:campaign_id>/stop/", StaffRole.OPERATOR)
def stop_campaign(campaign_id: uuid.UUID) -> ResponseReturnValue:
    """Let nothing more leave, for good."""
    return _done(campaign_id, acts.stop, _("The campaign is stopped."))


Act = Callable[[Session, uuid.UUID, str, datetime], Campaign]


def _done(campaign_id: uuid.UUID, act: Act, praise: str) -> ResponseReturnValue:
    def run() -> str:
        with container().database.writing() as session:
            act(session, campaign_id, _who(), utc_now())
        return praise

    answer = _tried(campaign_id, run)
    container().wake_up.send()
    return answer


def _tried(campaign_id: uuid.UUID, run: Callable[[], str]) -> ResponseReturnValue:
    """Back to the campaign, with what was done, or why it could not be."""
    try:
        flash(run())
    except (Conflict, Forbidden, Invalid) as exc:
        flash(f"{_reason(exc)}.", "bad")
    return redirect(url_for("console.campaign", campaign_id=campaign_id), 303)


def _reason(exc: DomainError) -> str:
    return str(exc).rstrip(".")
