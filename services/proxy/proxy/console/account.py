"""`/admin/account/`: one's own password, second factor, passkeys and sessions."""

import base64
import uuid
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

from common.audit.log import note_act
from common.clock import utc_now
from common.console.flashes import flash
from common.console.forms import Form, read_form
from common.console.rights import SIGNED_IN
from common.errors import Forbidden, TooManyRequests, Unauthenticated
from common.texts import _
from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access import login_attempts, open_sessions, second_factors, totp
from proxy.access.caller import caller_address
from proxy.access.login_attempts import Attempt
from proxy.access.secrets import hash_secret
from proxy.console import cookies, login_pages, origins, sessions, tickets
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.saving import write
from proxy.console.sign_in import WRONG_CODE, check_password
from proxy.console.tickets import Step
from proxy.container import container
from proxy.errors import WrongCredentials
from proxy.models import OpenSession, Passkey, StaffUser
from proxy.registry.records import existing, locked
from proxy.schemas.staff import NewPassword

PATH = "/admin/account/"
#: How long ago somebody may have signed in who changes how they sign in.
FRESH = timedelta(minutes=15)


@pages.page("/account/", SIGNED_IN)
def account() -> ResponseReturnValue:
    """What one's own account is, and what changes it."""
    return _page(Form())


@pages.act("/account/password/", SIGNED_IN)
def change_own_password() -> ResponseReturnValue:
    """Another password for oneself; one's other sessions end."""
    member = _me()
    form = read_form(NewPassword(member.username, member.email))
    if form.errors:
        return _page(form)
    address, now = caller_address(), utc_now()
    try:
        check_password(container(), member.username, form.values["current"], address, now)
    except (WrongCredentials, TooManyRequests) as exc:
        words = str(exc) if isinstance(exc, TooManyRequests) else _("This is not your password.")
        return _page(form.refused({"current": [words]}))
    hashed = hash_secret(form.values["password"])
    attempt = Attempt.of(member.username, address)
    begun = write(lambda session: _with_password(session, hashed, attempt))
    answer = _back(_("Your password is changed. Your other sessions have ended."))
    cookies.set_session(answer, begun, begun.began_at)
    return answer


def _with_password(session: Session, hashed: str, attempt: Attempt) -> sessions.StaffSession:
    """The session that goes on once the member's password hash is another."""
    now, caller = utc_now(), login_pages.caller()
    member = locked(session, StaffUser, g.staff.staff_id)
    member.password_hash = hashed
    login_attempts.succeed(session, attempt, now)
    open_sessions.end(session, g.staff.id, now)
    open_sessions.end_of(session, member.id, now)
    note_act(session, "staff.password_changed", member.id, member.username)
    begun = sessions.StaffSession.begin(member, g.staff.proof, now)
    session.add(begun.row(caller.address, caller.browser))
    return begun


@pages.page("/account/app/", SIGNED_IN)
def own_app() -> ResponseReturnValue:
    """The picture for a new authenticator app."""
    check_fresh()
    secret = totp.new_totp_secret()
    page = _app_page(secret)
    sealed = second_factors.seal_totp(container().sealer, g.staff.staff_id, secret)
    tickets.hand_out(page, Step.APP, PATH, app=base64.b64encode(sealed).decode())
    return page


@pages.act("/account/app/", SIGNED_IN)
def enrol_own_app() -> ResponseReturnValue:
    """Let the app count, once it has shown a right code; its recovery codes are shown once."""
    check_fresh()
    process, now = container(), utc_now()
    try:
        ticket = tickets.shown(Step.APP)
        sealed = base64.b64decode(ticket.said["app"])
        secret = second_factors.open_totp(process.sealer, g.staff.staff_id, sealed)
        with process.database.writing() as session:
            codes = secret and second_factors.enrol(
                *(session, process.sealer, g.staff.staff_id), secret, request.form["code"], now
            )
            if codes:
                tickets.take(session, ticket, now)
                note_act(session, "staff.app_enrolled", g.staff.staff_id, g.staff.name)
    except Unauthenticated as exc:
        return _back(str(exc), "bad")
    if not secret or not codes:
        return _app_page(secret or "", _(WRONG_CODE))
    page = make_response(render_template("pages/recovery_codes.html", codes=codes, next=PATH))
    tickets.forget(page, Step.APP, PATH)
    return page


@pages.act("/account/recovery-codes/", SIGNED_IN)
def renew_own_recovery_codes() -> ResponseReturnValue:
    """New recovery codes, shown once; the old ones are worth nothing."""
    check_fresh()
    with container().database.writing() as session:
        member = locked(session, StaffUser, g.staff.staff_id)
        if not member.sealed_totp:
            raise Forbidden(_("Set an authenticator app up first."))
        codes = second_factors.renew_recovery_codes(member)
        note_act(session, "staff.recovery_codes_made", member.id, member.username)
    return render_template("pages/recovery_codes.html", codes=codes, next=PATH)


@pages.act("/account/app/remove/", SIGNED_IN)
def remove_own_app() -> ResponseReturnValue:
    """Go on without an app."""
    check_fresh()
    with container().database.writing() as session:
        second_factors.forget_app(session, g.staff.staff_id)
        note_act(session, "staff.app_removed", g.staff.staff_id, g.staff.name)
    return _back(_("Your authenticator app is not asked for any more."))


@pages.act("/account/sessions/<uuid:session_id>/end/", SIGNED_IN)
def end_own_session(session_id: uuid.UUID) -> ResponseReturnValue:
    """End a session of one's own, in whatever browser."""
    with container().database.writing() as session:
        open_sessions.end_of(session, g.staff.staff_id, utc_now(), only=session_id)
        note_act(session, "staff.session_ended", g.staff.staff_id, g.staff.name)
    return _back(_("The session has ended."))


@pages.act("/account/sessions/end/", SIGNED_IN)
def end_own_sessions() -> ResponseReturnValue:
    """End all sessions of one's own but this one."""
    with container().database.writing() as session:
        open_sessions.end_of(session, g.staff.staff_id, utc_now(), but=g.staff.id)
        note_act(session, "staff.session_ended", g.staff.staff_id, g.staff.name)
    return _back(_("Your other sessions have ended."))


def sessions_of(session: Session, staff_id: uuid.UUID) -> Sequence[OpenSession]:
    """A member's sessions that stand, the one seen last first."""
    idle_minutes = container().settings.session_idle_minutes
    return open_sessions.listed(session, staff_id, idle_minutes, utc_now())


def passkeys_of(session: Session, staff_id: uuid.UUID) -> list[Passkey]:
    """A member's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.staff_id == staff_id).order_by(Passkey.created_at)
    return list(session.scalars(query))


def check_fresh() -> None:
    """Raise Forbidden for a session that began a while ago: its browser may be left alone."""
    if utc_now() - g.staff.began_at > FRESH:
        raise Forbidden(_("Sign out and in again before you change how you sign in."))


def _page(form: Form) -> ResponseReturnValue:
    page = render_template(
        "pages/account.html",
        form=form,
        member=_me(),
        openid=container().settings.openid,
        passkeys=read(lambda session: passkeys_of(session, g.staff.staff_id)),
        sessions=read(lambda session: sessions_of(session, g.staff.staff_id)),
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK


def _app_page(secret: str, message: str | None = None) -> Response:
    uri = totp.provisioning_uri(secret, g.staff.name, origins.host())
    picture = Markup(totp.qr_svg(uri))  # noqa: S704 - of our own making
    page = make_response(
        render_template("pages/own_app.html", secret=secret, picture=picture, message=message)
    )
    page.status_code = HTTPStatus.FORBIDDEN if message else HTTPStatus.OK
    return page


def _back(words: str, kind: str = "good") -> Response:
    flash(words, kind)
    return make_response(redirect(url_for("console.account"), 303))


def _me() -> StaffUser:
    return read(lambda session: existing(session, StaffUser, g.staff.staff_id))
