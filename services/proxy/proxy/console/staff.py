"""`/admin/mediator/staff/`: the people who operate the hub. For administrators only."""

import uuid
from http import HTTPStatus

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from proxy.access import staff as domain
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.errors import LastAdministrator
from proxy.models import StaffUser
from proxy.registry.records import existing
from proxy.schemas.forms import MemberForm, NewMemberForm, RecordFilter

COLUMNS = (
    Column("User name", lambda member: member.username),
    Column("E-mail", lambda member: member.email),
    Column("Role", lambda member: member.role),
    Column("Active", lambda member: member.is_active),
    Column("Last sign-in", lambda member: member.last_login_at),
)


@pages.page("/mediator/staff/", StaffRole.ADMIN)
def members() -> ResponseReturnValue:
    """The members of staff who meet the filters, newest first."""
    filters = read_filters(RecordFilter())
    wanted = matching(StaffUser, (StaffUser.username, StaffUser.email), **filters.values)
    fetch = rows_of(StaffUser, wanted)
    return listing("pages/members.html", fetch, filters, csv_name="staff", columns=COLUMNS)


@pages.page("/mediator/staff/new/", StaffRole.ADMIN)
def new_member() -> ResponseReturnValue:
    """The form of somebody who joins."""
    return _form(Form())


@pages.act("/mediator/staff/new/", StaffRole.ADMIN)
def create_member() -> ResponseReturnValue:
    """Let somebody in."""
    form = read_form(NewMemberForm())
    if form.errors:
        return _form(form)
    hashed = domain.with_hashed_password(form.values)
    form, made = save(form, lambda db: domain.create_staff(db, hashed))
    return _form(form) if made is None else _saved("Saved.")


@pages.page("/mediator/staff/<uuid:member_id>/", StaffRole.ADMIN)
def edit_member(member_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a member of staff; the password stays unless one is typed."""
    found = _existing(member_id)
    return _form(Form.of(MemberForm().dump(found)), found)


@pages.act("/mediator/staff/<uuid:member_id>/", StaffRole.ADMIN)
def change_member(member_id: uuid.UUID) -> ResponseReturnValue:
    """Change a member of staff; the last administrator stays one."""
    found = _existing(member_id)
    form = read_form(MemberForm())
    if form.errors:
        return _form(form, found)
    hashed = domain.with_hashed_password(form.values)
    form, changed = save(form, lambda db: domain.update_staff(db, member_id, hashed), "role")
    return _form(form, found) if changed is None else _saved("Saved.")


@pages.act("/mediator/staff/<uuid:member_id>/<any(activate, deactivate):act>/", StaffRole.ADMIN)
def switch_member(member_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Let somebody sign in again, or no more; the last administrator stays."""
    is_active = act == "activate"
    try:
        write(lambda db: domain.update_staff(db, member_id, {"is_active": is_active}))
    except LastAdministrator as exc:
        flash(f"{exc}.", "bad")
        return redirect(url_for("console.members"), 303)
    return _saved("They may sign in." if is_active else "They may not sign in any more.")


def _saved(words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("console.members"), 303)


def _form(form: Form, member: StaffUser | None = None) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    roles = choices(StaffRole)
    page = render_template("pages/member_form.html", form=form, member=member, roles=roles)
    return page, status


def _existing(member_id: uuid.UUID) -> StaffUser:
    return read(lambda session: existing(session, StaffUser, member_id))
