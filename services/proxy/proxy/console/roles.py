"""`/admin/mediator/roles/`: what members of staff may do, beside the roles that are built in."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, labelled, read_filters, read_form
from common.console.listing import listing
from common.console.rights import LABELS, Right
from common.errors import Forbidden
from common.texts import _, ngettext
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access import roles as domain
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.errors import StillReferenced
from proxy.models import Channel, CustomRole
from proxy.registry.records import existing
from proxy.schemas.forms import RoleFilter, RoleForm

COLUMNS = (
    Column("Role", lambda role: role.name),
    Column("Rights", lambda role: " ".join(role.rights)),
    Column("Views", lambda role: reach(role.view_channels)),
    Column("Sees bodies of", lambda role: reach(role.body_channels)),
    Column("Makes again", lambda role: reach(role.rerun_channels)),
)


def reach(channels: Sequence[str] | None) -> str:
    """The calls of how many channels, in words."""
    if channels is None:
        return _("every channel")
    return ngettext("%(count)s channel", "%(count)s channels", len(channels))


@pages.page("/mediator/roles/", Right.GATEWAY_STAFF)
def roles() -> ResponseReturnValue:
    """The roles that were made here, newest first."""
    filters = read_filters(RoleFilter())
    fetch = rows_of(CustomRole, matching(CustomRole, (CustomRole.name,), **filters.values))
    return listing(
        "pages/roles.html", fetch, filters, csv_name="roles", columns=COLUMNS, reach=reach
    )


@pages.page("/mediator/roles/new/", Right.GATEWAY_STAFF)
def new_role() -> ResponseReturnValue:
    """The form of a role that does not exist yet."""
    return _form(Form.of(dict.fromkeys(RoleForm.EVERY, True)))


@pages.act("/mediator/roles/new/", Right.GATEWAY_STAFF)
def create_role() -> ResponseReturnValue:
    """Make a role of rights that one holds."""
    return _saved(lambda db, given: domain.create_role(db, given, g.staff.held))


@pages.page("/mediator/roles/<uuid:role_id>/", Right.GATEWAY_STAFF)
def edit_role(role_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a role as it is."""
    found = read(lambda session: existing(session, CustomRole, role_id))
    return _form(Form.of(RoleForm().dump(found)), found)


@pages.act("/mediator/roles/<uuid:role_id>/", Right.GATEWAY_STAFF)
def change_role(role_id: uuid.UUID) -> ResponseReturnValue:
    """Change a role, at once for all who have it."""
    found = read(lambda session: existing(session, CustomRole, role_id))
    return _saved(lambda db, given: domain.update_role(db, role_id, given, g.staff.held), found)


@pages.act("/mediator/roles/<uuid:role_id>/delete/", Right.GATEWAY_STAFF)
def delete_role(role_id: uuid.UUID) -> ResponseReturnValue:
    """Forget a role that nobody has."""
    try:
        write(lambda session: domain.delete_role(session, role_id, g.staff.held))
    except (StillReferenced, Forbidden) as exc:
        flash(f"{exc}.", "bad")
        return redirect(url_for("console.edit_role", role_id=role_id), 303)
    flash(_("Deleted."))
    return redirect(url_for("console.roles"), 303)


def _saved(
    act: Callable[[Session, Mapping[str, Any]], CustomRole], role: CustomRole | None = None
) -> ResponseReturnValue:
    form = read_form(RoleForm())
    try:
        form, made = save(form, lambda session: act(session, form.values))
    except Forbidden as exc:
        form, made = form.refused({"rights": [f"{exc}."]}), None
    if made is None:
        return _form(form, role)
    flash(_("Saved."))
    return redirect(url_for("console.roles"), 303)


def _form(form: Form, role: CustomRole | None = None) -> ResponseReturnValue:
    page = render_template(
        "pages/role_form.html",
        form=form,
        role=role,
        rights=labelled(LABELS.items()),
        channels=read(_channels),
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK


def _channels(session: Session) -> list[tuple[str, str]]:
    found = session.execute(select(Channel.id, Channel.name).order_by(Channel.name))
    return [(str(row.id), row.name) for row in found]
