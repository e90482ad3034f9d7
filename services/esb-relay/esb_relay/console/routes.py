"""`/admin/esb/routes/`: where the calls of the bus go."""

import uuid
from collections.abc import Callable

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from esb_relay.callbacks import routes as callback_routes
from esb_relay.console.blueprint import pages
from esb_relay.console.reading import read, rows_of
from esb_relay.console.saving import save
from esb_relay.container import container
from esb_relay.models import CallbackRoute, TargetKind
from esb_relay.schemas.forms import RouteFilter, RouteForm

COLUMNS = (
    Column("Name", lambda route: route.name),
    Column("Description", lambda route: route.description),
    Column("Target", lambda route: route.target),
    Column("Kind", lambda route: route.target_kind),
    Column("Organization", lambda route: route.organization),
    Column("Answers later", lambda route: route.is_async),
    Column("Repeatable", lambda route: route.is_repeatable),
    Column("Active", lambda route: route.is_active),
    Column("Changed", lambda route: route.updated_at),
)


@pages.page("/routes/")
def routes() -> ResponseReturnValue:
    """The routes that meet the filters, newest first."""
    filters = read_filters(RouteFilter())
    wanted = callback_routes.matching(**filters.values)

    return listing(
        "pages/routes.html",
        rows_of(lambda: wanted, CallbackRoute.id),
        filters,
        csv_name="routes",
        columns=COLUMNS,
        kinds=choices(TargetKind),
    )


@pages.page("/routes/<uuid:route_id>/")
def route(route_id: uuid.UUID) -> ResponseReturnValue:
    """One route."""
    return render_template("pages/route.html", route=_existing(route_id))


@pages.page("/routes/new/", StaffRole.ADMIN)
def new_route() -> ResponseReturnValue:
    """The form of a route that does not exist yet."""
    return _form(Form())


@pages.act("/routes/new/", StaffRole.ADMIN)
def create_route() -> ResponseReturnValue:
    """Open a route for the bus."""
    form = read_form(RouteForm())
    return _save(form, None, lambda session: callback_routes.create_route(session, form.values))


@pages.page("/routes/<uuid:route_id>/edit/", StaffRole.ADMIN)
def edit_route(route_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a route as it is."""
    route = _existing(route_id)
    return _form(_form_of(route), route)


@pages.act("/routes/<uuid:route_id>/edit/", StaffRole.ADMIN)
def change_route(route_id: uuid.UUID) -> ResponseReturnValue:
    """Change a route."""
    form = read_form(RouteForm())
    return _save(
        form,
        _existing(route_id),
        lambda session: callback_routes.update_route(session, route_id, form.values),
    )


@pages.act("/routes/<uuid:route_id>/<any(activate, deactivate):act>/", StaffRole.ADMIN)
def switch_route(route_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Open a route again, or close it and keep it."""
    is_active = act == "activate"
    with container().database.writing() as session:
        callback_routes.update_route(session, route_id, {"is_active": is_active})
    flash(
        _("The bus may call this route.")
        if is_active
        else _("Calls of this route are refused now.")
    )
    return redirect(url_for("console.route", route_id=route_id), 303)


def _save(
    form: Form, route: CallbackRoute | None, act: Callable[[Session], CallbackRoute]
) -> ResponseReturnValue:
    """Do what the form asks for, or show it again with what is wrong."""
    edited = Edited(route, lambda: _form_of(_existing(route.id))) if route else None
    form, saved = save(form, act, edited=edited)
    if saved is None:
        return _form(form, route)
    flash(_("Saved."))
    return redirect(url_for("console.route", route_id=saved.id), 303)


def _form_of(route: CallbackRoute) -> Form:
    return Form.of(RouteForm().dump(route), route.revision)


def _form(form: Form, route: CallbackRoute | None = None) -> ResponseReturnValue:
    page = render_template(
        "pages/route_form.html", form=form, route=route, kinds=choices(TargetKind)
    )
    return page, form.status


def _existing(route_id: uuid.UUID) -> CallbackRoute:
    return read(lambda session: callback_routes.existing_route(session, route_id))
