"""`/admin/mediator/mediators/`: the systems behind the hub."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, labelled, read_filters, read_form, sent_revision
from common.console.listing import listing
from common.console.rights import Right
from common.errors import Invalid
from common.texts import N_, _
from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.scopes import scopes_of
from proxy.checks.mediators import state_of
from proxy.console import config_form, reach
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.container import container
from proxy.models import Channel, Mediator
from proxy.openhim.installing import Installed, install_channels, suggested
from proxy.registry import mediators as domain
from proxy.registry.records import existing
from proxy.schemas.forms import MediatorForm, NameFilter
from proxy.statistics.judging import MediatorState


@pages.app_template_test("online")
def is_online(mediator: Mediator) -> bool:
    """Whether a mediator takes calls now, by its flag and its last heartbeat."""
    timeout_s = container().settings.heartbeat_timeout_s
    return domain.is_online(mediator.is_online, mediator.last_heartbeat, utc_now(), timeout_s)


@pages.app_template_filter("mediator_state")
def mediator_state(mediator: Mediator) -> MediatorState:
    """What is known of it: by its switch, its heartbeats and its calls."""
    return state_of(mediator.id, reach.own().view)


@pages.app_template_test("circuit_open")
def is_circuit_open(mediator: Mediator) -> bool:
    """Whether it is left alone now, because it did not answer lately."""
    return mediator.circuit_open_until is not None and mediator.circuit_open_until > utc_now()


_CREDENTIALS = [
    ("basic", N_("a user name and a password (HTTP Basic)")),
    ("bearer", N_("a bearer token")),
    ("header", N_("a header field")),
]
COLUMNS = (
    Column("Name", lambda mediator: mediator.name),
    Column("URN", lambda mediator: mediator.urn),
    Column("Version", lambda mediator: mediator.version),
    Column("Endpoint", lambda mediator: mediator.endpoint_url),
    Column("Takes calls", is_online),
    Column("State", mediator_state),
    Column("Circuit open", is_circuit_open),
    Column("Last heartbeat", lambda mediator: mediator.last_heartbeat),
    Column("Changed", lambda mediator: mediator.updated_at),
)


@pages.page("/mediator/mediators/")
def mediators() -> ResponseReturnValue:
    """The mediators that meet the filters, newest first."""
    filters = read_filters(NameFilter())
    wanted = matching(Mediator, (Mediator.name, Mediator.urn), **filters.values)
    fetch = rows_of(Mediator, wanted)
    return listing("pages/mediators.html", fetch, filters, csv_name="mediators", columns=COLUMNS)


@pages.page("/mediator/mediators/<uuid:mediator_id>/")
def mediator(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """One mediator, and which of the channels that it suggests are here."""
    found = _existing(mediator_id)
    names = suggested(found)
    wanted = select(Channel.name, Channel.id).where(Channel.name.in_(names))
    here = read(lambda session: dict(session.execute(wanted).all()))
    return render_template("pages/mediator.html", mediator=found, suggested=names, here=here)


@pages.page("/mediator/mediators/new/", Right.GATEWAY_MEDIATORS)
def new_mediator() -> ResponseReturnValue:
    """The form of a mediator that is not registered yet."""
    return _form(Form())


@pages.act("/mediator/mediators/new/", Right.GATEWAY_MEDIATORS)
def create_mediator() -> ResponseReturnValue:
    """Register a mediator; a known urn is not changed by surprise."""
    form = read_form(MediatorForm())
    form, made = save(form, lambda db: _register(db, form), "urn")
    return _form(form) if made is None else _saved(made.id)


@pages.page("/mediator/mediators/<uuid:mediator_id>/edit/", Right.GATEWAY_MEDIATORS)
def edit_mediator(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a mediator as it is."""
    found = _existing(mediator_id)
    return _form(_form_of(found), found)


@pages.act("/mediator/mediators/<uuid:mediator_id>/edit/", Right.GATEWAY_MEDIATORS)
def change_mediator(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """Change a mediator by hand; its urn stays."""
    found = _existing(mediator_id)
    form = read_form(MediatorForm(exclude=["urn"]))
    form, changed = save(
        form,
        lambda db: _update(db, mediator_id, form.values),
        "endpoint_url",
        Edited(found, lambda: _form_of(_existing(mediator_id))),
    )
    return _form(form, found) if changed is None else _saved(mediator_id)


@pages.act(
    "/mediator/mediators/<uuid:mediator_id>/<any(activate, deactivate):act>/",
    Right.GATEWAY_MEDIATORS,
)
def switch_mediator(mediator_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Send calls to a mediator again, or none whatever its heartbeats say."""
    is_on = act == "activate"
    write(lambda db: _update(db, mediator_id, {"is_online": is_on}))
    flash(_("The mediator is switched on.") if is_on else _("The mediator is sent no calls now."))
    return redirect(url_for("console.mediator", mediator_id=mediator_id), 303)


@pages.page("/mediator/mediators/<uuid:mediator_id>/config/", Right.GATEWAY_MEDIATORS)
def mediator_config(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """The configuration, in a form made from the mediator's own definitions."""
    found = _existing(mediator_id)
    return _config_form(found, config_form.given_of(found))


@pages.act("/mediator/mediators/<uuid:mediator_id>/config/", Right.GATEWAY_MEDIATORS)
def change_mediator_config(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """Change a mediator's configuration; it gets it with its next heartbeat."""
    found = _existing(mediator_id)
    config, form = config_form.read(found.config_defs, found.config, request.form)
    # Items that were moved meanwhile would take others' passwords: never without a revision.
    form = replace(form, revision=sent_revision() or found.revision)
    form, changed = save(
        form,
        lambda db: _update(db, mediator_id, {"config": config}),
        "config",
        Edited(found, lambda: config_form.given_of(_existing(mediator_id))),
    )
    return _config_form(found, form) if changed is None else _saved(mediator_id)


def _config_form(mediator: Mediator, form: Form) -> ResponseReturnValue:
    shown = config_form.entries(mediator.config_defs, mediator.config)
    page = render_template(
        "pages/mediator_config.html",
        form=form,
        mediator=mediator,
        shown=shown,
    )
    return page, form.status


def _update(session: Session, mediator_id: uuid.UUID, changes: Mapping[str, Any]) -> Mediator:
    sealer = container().sealer
    return domain.update_mediator(session, sealer, mediator_id, changes, utc_now())


@pages.act("/mediator/mediators/<uuid:mediator_id>/channels/", Right.GATEWAY_CHANNELS)
def install_suggested_channel(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """Open a channel that the mediator suggests, and say what is otherwise than it was meant."""
    name, by, sealer = request.form.get("name", ""), g.staff.name, container().sealer
    held = scopes_of(g.staff.held)

    def install(session: Session) -> list[Installed]:
        mediator = existing(session, Mediator, mediator_id)
        return install_channels(session, sealer, mediator, [name], by, held)

    done = write(install)
    for one in done[:1]:
        said = "; ".join(one.notes)
        if one.channel is None:
            flash(_("%(name)s was not opened: %(said)s.", name=one.name, said=said), "bad")
        else:
            flash(
                _("%(name)s is open. %(said)s", name=one.name, said=said)
                if said
                else _("%(name)s is open.", name=one.name)
            )
    return redirect(url_for("console.mediator", mediator_id=mediator_id), 303)


def _register(session: Session, form: Form) -> Mediator:
    registered = domain.register(session, container().sealer, form.values)
    if not registered.is_new:
        raise Invalid(_("Registered already"), {"urn": [_("Registered already; change it there.")]})
    return registered.mediator


def _saved(mediator_id: uuid.UUID) -> ResponseReturnValue:
    flash(_("Saved."))
    return redirect(url_for("console.mediator", mediator_id=mediator_id), 303)


def _form_of(mediator: Mediator) -> Form:
    return Form.of(MediatorForm(exclude=["urn"]).dump(mediator), mediator.revision)


def _form(form: Form, mediator: Mediator | None = None) -> ResponseReturnValue:
    page = render_template(
        "pages/mediator_form.html", form=form, mediator=mediator, kinds=labelled(_CREDENTIALS)
    )
    return page, form.status


def _existing(mediator_id: uuid.UUID) -> Mediator:
    return read(lambda session: existing(session, Mediator, mediator_id))
