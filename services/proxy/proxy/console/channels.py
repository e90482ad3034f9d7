"""`/admin/mediator/channels/`: which calls go where."""

import uuid
from collections.abc import Sequence

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, choices, labelled, read_filters, read_form
from common.console.listing import listing
from common.console.rights import Right
from common.texts import N_, _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.console.blueprint import pages
from proxy.console.inbound import inbound_words
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.container import container
from proxy.models import (
    USUAL_RESPONSE_RETENTION_DAYS,
    USUAL_RETRY_ATTEMPTS,
    Channel,
    ChannelType,
    Framing,
    Mediator,
)
from proxy.registry import channels as domain
from proxy.registry.dry_run import Trial
from proxy.registry.records import existing
from proxy.schemas.channel_forms import ChannelForm
from proxy.schemas.fields import METHODS
from proxy.schemas.forms import RecordFilter

COLUMNS = (
    Column("Name", lambda channel: channel.name),
    Column("Path pattern", lambda channel: channel.path_pattern),
    Column("Methods", lambda channel: " ".join(channel.methods)),
    Column("Type", lambda channel: channel.channel_type),
    Column("Priority", lambda channel: channel.priority),
    Column("Mediator", lambda channel: channel.mediator.urn),
    Column("Open to", lambda channel: " ".join(channel.allow)),
    Column("Active", lambda channel: channel.is_active),
    Column("Changed", lambda channel: channel.updated_at),
)
_BODY_RULES = [
    ("regex", N_("a regular expression matches")),
    ("json", N_("a member of JSON has a value")),
    ("xpath", N_("an XPath has a value")),
]
_FRAMINGS = [
    (Framing.MLLP, N_("a frame of MLLP; the mediator gets what stands in it")),
    (Framing.MLLP_AS_IT_IS, N_("a frame of MLLP, which the mediator gets, too")),
    (Framing.PLAIN, N_("all until the sender ends writing")),
]
_METHODS = [(method, method) for method in METHODS]
#: What a new channel has unless somebody says otherwise.
_USUAL = Form.of(
    {
        "priority": 1,
        "store_request_body": True,
        "store_response_body": True,
        "tell_client": True,
        "response_retention_days": USUAL_RESPONSE_RETENTION_DAYS,
        "retry_max_attempts": USUAL_RETRY_ATTEMPTS,
    }
)


@pages.page("/mediator/channels/")
def channels() -> ResponseReturnValue:
    """The channels that meet the filters, newest first."""
    filters = read_filters(RecordFilter())
    wanted = matching(Channel, (Channel.name, Channel.path_pattern), **filters.values)
    fetch = rows_of(Channel, wanted)
    return listing("pages/channels.html", fetch, filters, csv_name="channels", columns=COLUMNS)


@pages.page("/mediator/channels/<uuid:channel_id>/")
def channel(channel_id: uuid.UUID) -> ResponseReturnValue:
    """One channel."""
    found = _existing(channel_id)
    inbound = read(lambda session: inbound_words(session, found))
    return render_template(
        "pages/channel.html", channel=found, inbound=inbound, methods=_METHODS, form=Form()
    )


@pages.page("/mediator/channels/new/", Right.GATEWAY_CHANNELS)
def new_channel() -> ResponseReturnValue:
    """The form of a channel that does not exist yet."""
    return channel_form(_USUAL)


@pages.act("/mediator/channels/new/", Right.GATEWAY_CHANNELS)
def create_channel() -> ResponseReturnValue:
    """Open a channel; it takes calls within a second."""
    form = read_form(ChannelForm())
    sealer = container().sealer
    form, made = save(form, lambda db: domain.create_channel(db, form.values, sealer))
    return channel_form(form) if made is None else _saved(made.id)


@pages.page("/mediator/channels/<uuid:channel_id>/edit/", Right.GATEWAY_CHANNELS)
def edit_channel(channel_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a channel as it is."""
    found = _existing(channel_id)
    return channel_form(form_of(found), found)


@pages.act("/mediator/channels/<uuid:channel_id>/edit/", Right.GATEWAY_CHANNELS)
def change_channel(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Change a channel."""
    found = _existing(channel_id)
    form = read_form(ChannelForm())
    sealer = container().sealer
    form, changed = save(
        form,
        lambda db: domain.update_channel(db, channel_id, form.values, sealer),
        edited=Edited(found, lambda: form_of(_existing(channel_id))),
    )
    return channel_form(form, found) if changed is None else _saved(channel_id)


@pages.act(
    "/mediator/channels/<uuid:channel_id>/<any(activate, deactivate):act>/", Right.GATEWAY_CHANNELS
)
def switch_channel(channel_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Open a channel again, or close it and keep it."""
    is_active = act == "activate"
    write(lambda db: domain.update_channel(db, channel_id, {"is_active": is_active}))
    flash(_("The channel takes calls.") if is_active else _("The channel takes no calls now."))
    return redirect(url_for("console.channel", channel_id=channel_id), 303)


def form_of(channel: Channel) -> Form:
    """The form of a channel as it is."""
    shown = ChannelForm().dump(channel)
    shown["listener_framing"] = shown.get("listener_framing") or Framing.MLLP
    return Form.of(shown, channel.revision)


def _saved(channel_id: uuid.UUID) -> ResponseReturnValue:
    flash(_("Saved. The hub follows within a second."))
    return redirect(url_for("console.channel", channel_id=channel_id), 303)


def channel_form(
    form: Form, channel: Channel | None = None, trial: Trial | None = None
) -> ResponseReturnValue:
    """The form as it was typed, with what a dry run of it found."""
    page = render_template(
        "pages/channel_form.html",
        form=form,
        channel=channel,
        trial=trial,
        methods=_METHODS,
        kinds=choices(ChannelType),
        body_rules=labelled(_BODY_RULES),
        framings=labelled(_FRAMINGS),
        mediators=read(_mediators),
    )
    return page, form.status


def _mediators(session: Session) -> Sequence[tuple[str, str]]:
    """All mediators: one that is missing could not stay chosen."""
    wanted = select(Mediator).order_by(Mediator.name)
    return [(str(one.id), f"{one.name} ({one.endpoint_url})") for one in session.scalars(wanted)]


def _existing(channel_id: uuid.UUID) -> Channel:
    return read(lambda session: existing(session, Channel, channel_id))
