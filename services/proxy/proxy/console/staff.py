"""`/admin/mediator/staff/`: the people who operate the hub. For administrators only."""

import uuid
from collections.abc import Sequence
from http import HTTPStatus

from common.audit.log import note_act
from common.clock import utc_now
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.access import open_sessions, second_factors
from proxy.access import staff as domain
from proxy.console.account import passkeys_of, sessions_of
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.errors import LastAdministrator
from proxy.models import OpenSession, Passkey, StaffUser
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


@pages.act("/mediator/staff/<uuid:member_id>/second-factor/reset/", StaffRole.ADMIN)
def reset_second_factor(member_id: uuid.UUID) -> ResponseReturnValue:
    """For somebody who lost app, codes and passkeys: none of them counts any more."""

    def forget(session: Session) -> None:
        second_factors.forget_all(session, member_id)
        open_sessions.end_of(session, member_id, utc_now())
        member = existing(session, StaffUser, member_id)
        note_act(session, "staff.second_factor_reset", member.id, member.username)

    write(forget)
    return _saved("They sign in by their password, and set up a second factor anew.")


@pages.act("/mediator/staff/<uuid:member_id>/sessions/end/", StaffRole.ADMIN)
def end_member_sessions(member_id: uuid.UUID) -> ResponseReturnValue:
    """End all sessions of somebody."""
    return _end_sessions(member_id)


@pages.act("/mediator/staff/<uuid:member_id>/sessions/<uuid:session_id>/end/", StaffRole.ADMIN)
def end_member_session(member_id: uuid.UUID, session_id: uuid.UUID) -> ResponseReturnValue:
    """End one session of somebody."""
    return _end_sessions(member_id, session_id)


def _end_sessions(member_id: uuid.UUID, only: uuid.UUID | None = None) -> ResponseReturnValue:
    def end(session: Session) -> None:
        open_sessions.end_of(session, member_id, utc_now(), only=only)
        member = existing(session, StaffUser, member_id)
        note_act(session, "staff.session_ended", member.id, member.username)

    write(end)
    flash("Ended.")
    return redirect(url_for("console.edit_member", member_id=member_id), 303)


def _saved(words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("console.members"), 303)


def _form(form: Form, member: StaffUser | None = None) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    roles = choices(StaffRole)
    sessions, passkeys = read(lambda session: _listed(session, member))
    page = render_template(
        "pages/member_form.html",
        form=form,
        member=member,
        roles=roles,
        sessions=sessions,
        passkeys=passkeys,
    )
    return page, status


def _listed(
    session: Session, member: StaffUser | None
) -> tuple[Sequence[OpenSession], Sequence[Passkey]]:
    if member is None:
        return [], []
    return sessions_of(session, member.id), passkeys_of(session, member.id)


def _existing(member_id: uuid.UUID) -> StaffUser:
    return read(lambda session: existing(session, StaffUser, member_id))
