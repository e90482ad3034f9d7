"""`/admin/mediator/registrations/`: organizations and their codes on the bus."""

import uuid
from collections.abc import Mapping

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.rights import Right
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.models import Channel
from proxy.models import ExternalSystemRegistration as Registration
from proxy.registry import registrations as domain
from proxy.registry.records import existing
from proxy.schemas.forms import RecordFilter, RegistrationForm

COLUMNS = (
    Column("Organization", lambda registration: registration.organization),
    Column("Channel id", lambda registration: registration.channel_id),
    Column("API code", lambda registration: registration.api_code),
    Column("Push code", lambda registration: registration.push_code),
    Column("May act for it", lambda registration: may_act(registration)),
    Column("Active", lambda registration: registration.is_active),
    Column("Changed", lambda registration: registration.updated_at),
)


def may_act(registration: Registration) -> str:
    """Who may act for an organization, in a line."""
    return "every client" if registration.allow is None else " ".join(registration.allow)


@pages.page("/mediator/registrations/")
def registrations() -> ResponseReturnValue:
    """The registrations that meet the filters, newest first."""
    filters = read_filters(RecordFilter())
    wanted = matching(Registration, (Registration.organization,), **filters.values)
    return listing(
        "pages/registrations.html",
        rows_of(Registration, wanted),
        filters,
        csv_name="registrations",
        columns=COLUMNS,
        channels=read(_channels),
    )


@pages.page("/mediator/registrations/new/", Right.GATEWAY_CHANNELS)
def new_registration() -> ResponseReturnValue:
    """The form of a registration that does not exist yet."""
    return _form(Form())


@pages.act("/mediator/registrations/new/", Right.GATEWAY_CHANNELS)
def create_registration() -> ResponseReturnValue:
    """Register an organization, for one channel or for all."""
    form = read_form(RegistrationForm())
    form, made = save(form, lambda db: domain.create_registration(db, form.values), "organization")
    return _form(form) if made is None else _saved()


@pages.page("/mediator/registrations/<uuid:registration_id>/", Right.GATEWAY_CHANNELS)
def edit_registration(registration_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a registration as it is."""
    found = _existing(registration_id)
    return _form(_form_of(found), found)


@pages.act("/mediator/registrations/<uuid:registration_id>/", Right.GATEWAY_CHANNELS)
def change_registration(registration_id: uuid.UUID) -> ResponseReturnValue:
    """Change a registration."""
    found = _existing(registration_id)
    form = read_form(RegistrationForm())
    form, changed = save(
        form,
        lambda db: domain.update_registration(db, registration_id, form.values),
        "organization",
        Edited(found, lambda: _form_of(_existing(registration_id))),
    )
    return _form(form, found) if changed is None else _saved()


@pages.act(
    "/mediator/registrations/<uuid:registration_id>/<any(activate, deactivate):act>/",
    Right.GATEWAY_CHANNELS,
)
def switch_registration(registration_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Use an organization's codes again, or leave them unused and keep them."""
    is_active = act == "activate"
    changes = {"is_active": is_active}
    write(lambda db: domain.update_registration(db, registration_id, changes))
    flash(_("The codes are in use.") if is_active else _("The codes are not used now."))
    return redirect(url_for("console.registrations"), 303)


def _saved() -> ResponseReturnValue:
    flash(_("Saved."))
    return redirect(url_for("console.registrations"), 303)


def _form_of(registration: Registration) -> Form:
    return Form.of(RegistrationForm().dump(registration), registration.revision)


def _form(form: Form, registration: Registration | None = None) -> ResponseReturnValue:
    page = render_template(
        "pages/registration_form.html",
        form=form,
        registration=registration,
        channels=read(_channels).items(),
    )
    return page, form.status


def _channels(session: Session) -> Mapping[uuid.UUID, str]:
    """The names of all channels by their ids; every process has the channels in memory anyway."""
    wanted = select(Channel.id, Channel.name).order_by(Channel.name)
    return {row.id: row.name for row in session.execute(wanted)}


def _existing(registration_id: uuid.UUID) -> Registration:
    return read(lambda session: existing(session, Registration, registration_id))
