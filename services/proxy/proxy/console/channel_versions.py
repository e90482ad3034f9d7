"""`/admin/mediator/channels/<id>/versions/`: how a channel was, and back; dry runs of changes."""

import uuid
from http import HTTPStatus

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, read_form
from common.console.listing import listing
from common.console.rights import Right
from common.errors import Invalid
from common.texts import _
from common.web.paging import Page
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.console.blueprint import pages
from proxy.console.channels import channel_form
from proxy.console.reading import read
from proxy.console.saving import write
from proxy.container import container
from proxy.metadata.command import brief
from proxy.models import Channel
from proxy.registry.channel_versions import Version, roll_back, versions_of
from proxy.registry.channels import update_channel
from proxy.registry.dry_run import Trial, dry_run
from proxy.registry.records import existing
from proxy.schemas.channel_forms import ChannelForm

pages.add_app_template_filter(brief)

_VERSION = "/mediator/channels/<uuid:channel_id>/versions/<int(max=2000000000):number>/"
COLUMNS = (
    Column("Version", lambda one: one.number),
    Column("Made", lambda one: one.made_at),
    Column("By", lambda one: one.actor),
    Column("Back to", lambda one: one.rolled_back_to),
    Column("Changed", lambda one: " ".join(change.field for change in one.changes)),
)


@pages.page("/mediator/channels/<uuid:channel_id>/versions/")
def channel_versions(channel_id: uuid.UUID) -> ResponseReturnValue:
    """The versions of a channel, newest first, each with what it changed."""
    found = read(lambda session: existing(session, Channel, channel_id))

    def fetch(limit: int, cursor: str | None) -> Page[Version]:
        return read(lambda session: versions_of(session, channel_id, limit=limit, cursor=cursor))

    return listing(
        "pages/channel_versions.html",
        fetch,
        Form(),
        csv_name="channel-versions",
        columns=COLUMNS,
        channel=found,
    )


@pages.act(_VERSION, Right.GATEWAY_CHANNELS)
def roll_channel_back(channel_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Let a channel be as it was."""
    try:
        write(lambda session: roll_back(session, container().sealer, channel_id, number))
        flash(
            _(
                "The channel is as in version %(number)s. The hub follows within a second.",
                number=number,
            )
        )
    except Invalid as exc:
        flash(_("Version %(number)s does not fit any more: %(exc)s", number=number, exc=exc), "bad")
    return redirect(url_for("console.channel_versions", channel_id=channel_id), 303)


@pages.act(f"{_VERSION}try/", Right.GATEWAY_CHANNELS)
def try_version(channel_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Say what going back would do to the last calls; nothing changes."""
    found = read(lambda session: existing(session, Channel, channel_id))
    trial, error = None, ""
    try:
        trial = dry_run(
            container(),
            channel_id,
            lambda session: roll_back(session, container().sealer, channel_id, number),
        )
    except Invalid as exc:
        error = str(exc)
    page = render_template(
        "pages/version_trial.html", channel=found, number=number, trial=trial, error=error
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK


@pages.act("/mediator/channels/<uuid:channel_id>/dry-run/", Right.GATEWAY_CHANNELS)
def try_change(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Say what the change that is being typed would do to the last calls; nothing changes."""
    found = read(lambda session: existing(session, Channel, channel_id))
    form, trial = read_form(ChannelForm()), None
    if not form.errors:
        form, trial = _tried(form, channel_id)
    return channel_form(form, found, trial)


def _tried(form: Form, channel_id: uuid.UUID) -> tuple[Form, Trial | None]:
    sealer = container().sealer

    def change(session: Session) -> object:
        return update_channel(session, channel_id, form.values, sealer)

    try:
        return form, dry_run(container(), channel_id, change)
    except Invalid as exc:
        return form.refused(exc.errors), None
