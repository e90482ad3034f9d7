"""`/admin/notification/events/`: the catalogue of what can happen."""

from collections.abc import Mapping
from typing import Any

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Invalid
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notification.catalogue import events as catalogue
from notification.catalogue.filters import matching
from notification.catalogue.templates import newest_templates
from notification.console.blueprint import as_json, pages
from notification.console.forms import EventForm
from notification.console.reading import choices, rows_of
from notification.console.saving import save
from notification.container import container
from notification.models import Event, Module, Rule
from notification.schemas.catalogue import EventArgs

CSV = (
    Column("Code", lambda event: event.code),
    Column("Module", lambda event: event.module),
    Column("Description", lambda event: event.description),
    Column("In use", lambda event: event.is_active),
    Column("When the outcome is unknown", lambda event: event.when_unknown),
    Column("Changed", lambda event: event.updated_at),
)


@pages.page("/events/")
def events() -> ResponseReturnValue:
    """The events that meet the filters, newest first."""
    filters = read_filters(EventArgs(exclude=["limit", "cursor"]))
    fetch = rows_of(lambda: matching(Event, {**filters.values}), Event.id)
    return listing(
        "pages/events.html",
        fetch,
        filters,
        csv_name="events",
        columns=CSV,
        modules=choices(Module),
    )


@pages.page("/events/new/", StaffRole.ADMIN)
def new_event() -> ResponseReturnValue:
    """The form of an event to come."""
    return _new(Form.of({"is_active": True, "when_unknown": "hold"}))


@pages.act("/events/new/", StaffRole.ADMIN)
def create_event() -> ResponseReturnValue:
    """Add an event to the catalogue."""
    form = read_form(EventForm())
    form, event = save(form, lambda session: _created(session, form.values))
    if event is None:
        return _new(form), 422
    flash(_("The event is in the catalogue. A rule says who is told of it, templates say what."))
    return redirect(url_for("console.event", code=event.code), 303)


@pages.page("/events/<code>/")
def event(code: str) -> ResponseReturnValue:
    """An event with its rules and its words."""
    return _page(code)


@pages.act("/events/<code>/", StaffRole.ADMIN)
def change_event(code: str) -> ResponseReturnValue:
    """Change an event."""
    form = read_form(EventForm(exclude=["code"]))
    form, changed = save(
        form,
        lambda session: catalogue.change_event(session, code, form.values),
        edited=Edited(_existing(code), lambda: _form_of(_existing(code))),
    )
    if changed is None:
        return _page(code, form), form.status
    flash(_("Saved."))
    return redirect(url_for("console.event", code=code), 303)


def _created(session: Session, given: Mapping[str, Any]) -> Event:
    try:
        return catalogue.create_event(session, given)
    except IntegrityError as exc:
        taken = _("Another event has this code.")
        raise Invalid(taken, {"code": [taken]}) from exc


def _new(form: Form) -> str:
    return render_template("pages/event_new.html", form=form, modules=choices(Module))


def _page(code: str, form: Form | None = None) -> str:
    with container().database.reading() as session:
        found = catalogue.existing_event(session, code)
        rules = session.scalars(select(Rule).where(Rule.event_code == code).order_by(Rule.id)).all()
        templates = newest_templates(session, code)
    return render_template(
        "pages/event.html",
        event=found,
        form=form or _form_of(found),
        rules=rules,
        templates=[templates[channel] for channel in sorted(templates)],
        modules=choices(Module),
    )


def _existing(code: str) -> Event:
    with container().database.reading() as session:
        return catalogue.existing_event(session, code)


def _form_of(event: Event) -> Form:
    return Form.of(_as_typed(event), event.revision)


def _as_typed(event: Event) -> dict[str, Any]:
    record = {name: getattr(event, name) for name in EventForm().fields}
    schema = event.context_schema
    return {**record, "context_schema": schema and as_json(schema)}
