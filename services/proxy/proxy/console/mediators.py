"""`/admin/mediator/mediators/`: the systems behind the hub."""

import uuid
from http import HTTPStatus

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Invalid
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy import mediators as domain
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.models import Mediator
from proxy.parts import parts
from proxy.records import existing
from proxy.schemas.forms import MediatorForm, NameFilter


@pages.app_template_test("online")
def is_online(mediator: Mediator) -> bool:
    """Whether a mediator takes calls now, by its flag and its last heartbeat."""
    timeout_s = parts().settings.heartbeat_timeout_s
    return domain.is_online(mediator.is_online, mediator.last_heartbeat, utc_now(), timeout_s)


COLUMNS = (
    Column("Name", lambda mediator: mediator.name),
    Column("URN", lambda mediator: mediator.urn),
    Column("Version", lambda mediator: mediator.version),
    Column("Endpoint", lambda mediator: mediator.endpoint_url),
    Column("Takes calls", is_online),
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
    """One mediator."""
    return render_template("pages/mediator.html", mediator=_existing(mediator_id))


@pages.page("/mediator/mediators/new/", StaffRole.ADMIN)
def new_mediator() -> ResponseReturnValue:
    """The form of a mediator that is not registered yet."""
    return _form(Form())


@pages.act("/mediator/mediators/new/", StaffRole.ADMIN)
def create_mediator() -> ResponseReturnValue:
    """Register a mediator; a known urn is not changed by surprise."""
    form = read_form(MediatorForm())
    form, made = save(form, lambda db: _register(db, form), "urn")
    return _form(form) if made is None else _saved(made.id)


@pages.page("/mediator/mediators/<uuid:mediator_id>/edit/", StaffRole.ADMIN)
def edit_mediator(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a mediator as it is."""
    found = _existing(mediator_id)
    return _form(Form.of(MediatorForm().dump(found)), found)


@pages.act("/mediator/mediators/<uuid:mediator_id>/edit/", StaffRole.ADMIN)
def change_mediator(mediator_id: uuid.UUID) -> ResponseReturnValue:
    """Change a mediator by hand; its urn stays."""
    found = _existing(mediator_id)
    form = read_form(MediatorForm(exclude=["urn"]))
    form, changed = save(
        form, lambda db: domain.update_mediator(db, mediator_id, form.values), "endpoint_url"
    )
    return _form(form, found) if changed is None else _saved(mediator_id)


@pages.act(
    "/mediator/mediators/<uuid:mediator_id>/<any(activate, deactivate):act>/", StaffRole.ADMIN
)
def switch_mediator(mediator_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Send calls to a mediator again, or none whatever its heartbeats say."""
    is_on = act == "activate"
    write(lambda db: domain.update_mediator(db, mediator_id, {"is_online": is_on}))
    flash("The mediator is switched on." if is_on else "The mediator is sent no calls now.")
    return redirect(url_for("console.mediator", mediator_id=mediator_id), 303)


def _register(session: Session, form: Form) -> Mediator:
    registered = domain.register(session, form.values)
    if not registered.is_new:
        raise Invalid("Registered already", {"urn": ["Registered already; change it there."]})
    return registered.mediator


def _saved(mediator_id: uuid.UUID) -> ResponseReturnValue:
    flash("Saved.")
    return redirect(url_for("console.mediator", mediator_id=mediator_id), 303)


def _form(form: Form, mediator: Mediator | None = None) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render_template("pages/mediator_form.html", form=form, mediator=mediator), status


def _existing(mediator_id: uuid.UUID) -> Mediator:
    return read(lambda session: existing(session, Mediator, mediator_id))
