"""`/admin/mediator/staff/`: the people who operate the hub. For administrators only."""

import uuid
from collections.abc import Callable, Sequence

from common.audit.log import note_act
from common.clock import utc_now
from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.rights import Right, StaffRole
from common.errors import Forbidden
from common.texts import _
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access import open_sessions, second_factors
from proxy.access import staff as domain
from proxy.access.roles import check_may_give, held_by
from proxy.console.account import passkeys_of, sessions_of
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.errors import LastAdministrator
from proxy.models import CustomRole, OpenSession, Passkey, StaffUser
from proxy.registry.records import existing
from proxy.schemas.forms import MemberForm, NewMemberForm, RecordFilter

COLUMNS = (
    Column("User name", lambda member: member.username),
    Column("E-mail", lambda member: member.email),
    Column("Role", lambda member: member.role_name),
    Column("Active", lambda member: member.is_active),
    Column("Last sign-in", lambda member: member.last_login_at),
)


@pages.page("/mediator/staff/", Right.GATEWAY_STAFF)
def members() -> ResponseReturnValue:
    """The members of staff who meet the filters, newest first."""
    filters = read_filters(RecordFilter())
    wanted = matching(StaffUser, (StaffUser.username, StaffUser.email), **filters.values)
    fetch = rows_of(StaffUser, wanted)
    return listing("pages/members.html", fetch, filters, csv_name="staff", columns=COLUMNS)


@pages.page("/mediator/staff/new/", Right.GATEWAY_STAFF)
def new_member() -> ResponseReturnValue:
    """The form of somebody who joins."""
    return _form(Form.of({"role": StaffRole.VIEWER}))


@pages.act("/mediator/staff/new/", Right.GATEWAY_STAFF)
def create_member() -> ResponseReturnValue:
    """Let somebody in."""
    form = read_form(NewMemberForm())
    if form.errors:
        return _form(form)
    hashed = domain.with_hashed_password(form.values)
    form, made = _saving(form, lambda db: domain.create_staff(db, hashed, held=g.staff.held))
    return _form(form) if made is None else _saved("Saved.")


@pages.page("/mediator/staff/<uuid:member_id>/", Right.GATEWAY_STAFF)
def edit_member(member_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a member of staff; the password stays unless one is typed."""
    found = _existing(member_id)
    return _form(_form_of(found), found)


@pages.act("/mediator/staff/<uuid:member_id>/", Right.GATEWAY_STAFF)
def change_member(member_id: uuid.UUID) -> ResponseReturnValue:
    """Change a member of staff; the last administrator stays one."""
    found = _existing(member_id)
    form = read_form(MemberForm())
    if form.errors:
        return _form(form, found)
    hashed = domain.with_hashed_password(form.values)
    held = g.staff.held
    form, changed = _saving(
        form,
        lambda db: domain.update_staff(db, member_id, hashed, held=held),
        Edited(found, lambda: _form_of(_existing(member_id))),
    )
    return _form(form, found) if changed is None else _saved("Saved.")


@pages.act("/mediator/staff/<uuid:member_id>/<any(activate, deactivate):act>/", Right.GATEWAY_STAFF)
def switch_member(member_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Let somebody sign in again, or no more; the last administrator stays."""
    is_active = act == "activate"
    try:
        changes, held = {"is_active": is_active}, g.staff.held
        write(lambda db: domain.update_staff(db, member_id, changes, held=held))
    except LastAdministrator as exc:
        flash(f"{exc}.", "bad")
        return redirect(url_for("console.members"), 303)
    said = _("They may sign in.") if is_active else _("They may not sign in any more.")
    return _saved(said)


@pages.act("/mediator/staff/<uuid:member_id>/second-factor/reset/", Right.GATEWAY_STAFF)
def reset_second_factor(member_id: uuid.UUID) -> ResponseReturnValue:
    """For somebody who lost app, codes and passkeys: none of them counts any more."""

    held = g.staff.held

    def forget(session: Session) -> None:
        member = existing(session, StaffUser, member_id)
        check_may_give(held_by(member), held)
        second_factors.forget_all(session, member_id)
        open_sessions.end_of(session, member_id, utc_now())
        note_act(session, "staff.second_factor_reset", member.id, member.username)

    write(forget)
    return _saved(_("They sign in by their password, and set up a second factor anew."))


@pages.act("/mediator/staff/<uuid:member_id>/sessions/end/", Right.GATEWAY_STAFF)
def end_member_sessions(member_id: uuid.UUID) -> ResponseReturnValue:
    """End all sessions of somebody."""
    return _end_sessions(member_id)


@pages.act("/mediator/staff/<uuid:member_id>/sessions/<uuid:session_id>/end/", Right.GATEWAY_STAFF)
def end_member_session(member_id: uuid.UUID, session_id: uuid.UUID) -> ResponseReturnValue:
    """End one session of somebody."""
    return _end_sessions(member_id, session_id)


def _end_sessions(member_id: uuid.UUID, only: uuid.UUID | None = None) -> ResponseReturnValue:
    def end(session: Session) -> None:
        open_sessions.end_of(session, member_id, utc_now(), only=only)
        member = existing(session, StaffUser, member_id)
        note_act(session, "staff.session_ended", member.id, member.username)

    write(end)
    flash(_("Ended."))
    return redirect(url_for("console.edit_member", member_id=member_id), 303)


def _saving(
    form: Form, act: Callable[[Session], StaffUser], edited: Edited | None = None
) -> tuple[Form, StaffUser | None]:
    """What was made; None, and the form with its errors, where it was refused."""
    try:
        return save(form, act, "role", edited)
    except Forbidden as exc:
        return form.refused({"role": [f"{exc}."]}), None


def _saved(words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("console.members"), 303)


def _form_of(member: StaffUser) -> Form:
    shown = {**MemberForm().dump(member), "role": member.role_name}
    return Form.of(shown, member.revision)


def _form(form: Form, member: StaffUser | None = None) -> ResponseReturnValue:
    roles = choices(StaffRole) + read(_made_here)
    sessions, passkeys = read(lambda session: _listed(session, member))
    page = render_template(
        "pages/member_form.html",
        form=form,
        member=member,
        roles=roles,
        sessions=sessions,
        passkeys=passkeys,
    )
    return page, form.status


def _made_here(session: Session) -> list[tuple[str, str]]:
    """The roles that are not built in, to choose from."""
    names = session.scalars(select(CustomRole.name).order_by(CustomRole.name))
    return [(name, name) for name in names]


def _listed(
    session: Session, member: StaffUser | None
) -> tuple[Sequence[OpenSession], Sequence[Passkey]]:
    if member is None:
        return [], []
    return sessions_of(session, member.id), passkeys_of(session, member.id)


def _existing(member_id: uuid.UUID) -> StaffUser:
    return read(lambda session: existing(session, StaffUser, member_id))
