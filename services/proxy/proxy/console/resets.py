"""`/admin/login/forgot/`, `/admin/login/reset/`: a new password by a link in an e-mail.

Whether there is an account of a name shows neither in what is answered nor in how long that takes:
the name is looked up, and the e-mail sent, behind the answer.
"""

from common.audit.log import note
from common.clock import utc_now
from common.console.flashes import flash
from common.console.forms import Form, read_form
from common.errors import TooManyRequests
from common.logs import get_logger
from common.texts import N_, _, speaking
from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.access import login_attempts, open_sessions, password_resets
from proxy.access.caller import caller_address
from proxy.access.login_attempts import Attempt
from proxy.access.secrets import hash_secret
from proxy.console import login_pages
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.saving import write
from proxy.console.sign_in import about, active_member_called
from proxy.container import Container, container
from proxy.errors import UnknownRecord
from proxy.models import StaffUser
from proxy.registry.records import locked
from proxy.schemas.staff import NewPassword

log = get_logger(__name__)

LOGIN = "/admin/login/"
MAIL_SENT = N_(
    "If there is an account of this name with an e-mail address, a link is on its way there. It is "
    "good once, for 30 minutes."
)
NO_LINK = N_("This link is not good any more. Ask for another one.")
_SUBJECT = N_("A new password for Kiungo")
_BODY = N_("""Somebody, probably you, asked for a new password for %(name)s at %(url)s.

Choose one within 30 minutes:

%(url)s/admin/login/reset/?link=%(secret)s

If it was not you, nothing has changed: you need not do anything.
""")


@pages.open_page("/login/forgot/")
def forgot_password() -> ResponseReturnValue:
    """The form for one's name."""
    _check_offered()
    return _forgot()


@pages.open_page("/login/forgot/", "POST")
def ask_for_reset() -> ResponseReturnValue:
    """Send a link, if there is somebody to send it to. Raises ForeignForm."""
    _check_offered()
    login_pages.check_sent_form()
    name, address = request.form.get("username", "").strip(), caller_address()
    try:
        attempt = Attempt.of(f"reset of {name}", address)
        write(lambda session: login_attempts.begin(session, attempt, utc_now()))
    except TooManyRequests as exc:
        return login_pages.refused(exc, _forgot(str(exc), "bad"))
    process = container()
    process.behind_answers.submit(send_link, process, name, address)
    return _forgot(_(MAIL_SENT), "good")


def send_link(process: Container, name: str, address: str) -> None:
    """Mail a link to the member called `name`, who may not exist; the log says what came of it."""
    now = utc_now()
    member = active_member_called(process.database, name)
    if member is None or not password_resets.may_have(member):
        log.info("password_reset_not_sent", reason="nobody of this name has an address here")
        return
    with process.database.writing() as session:
        secret = password_resets.issue(session, member, now)
        note(session, about(member, "staff.password_reset_asked", address=address))
    url = process.settings.console_url
    with speaking(member.language or process.settings.default_language):
        words = _(_BODY, name=member.username, url=url, secret=secret)
        subject = _(_SUBJECT)
    outcome, reason = process.mails.send(member.email, subject, words)
    log.info("password_reset_mail", staff_id=str(member.id), outcome=outcome, reason=reason)


@pages.open_page("/login/reset/")
def reset_password() -> ResponseReturnValue:
    """The form for a new password. Looking at it uses no link up: mail scanners do."""
    _check_offered()
    secret = request.args.get("link", "")
    return _reset(secret, _member_of(secret), Form())


@pages.open_page("/login/reset/", "POST")
def choose_password() -> ResponseReturnValue:
    """Another password, by a link that is used up; the sessions of before end."""
    _check_offered()
    login_pages.check_sent_form()
    secret = request.form.get("link", "")
    member = _member_of(secret)
    form = read_form(NewPassword(member.username, member.email) if member else NewPassword())
    if member is None or form.errors:
        return _reset(secret, member, form)
    hashed = hash_secret(form.values["password"])
    if not write(lambda session: _taken(session, secret, member, hashed)):
        return _reset(secret, None, Form())
    flash(_("Your password is changed. Sign in by it."))
    return redirect(LOGIN, 303)


def _taken(session: Session, secret: str, member: StaffUser, hashed: str) -> bool:
    """Whether the link was good, and the password is another now."""
    if not password_resets.take(session, secret):
        return False
    locked(session, StaffUser, member.id).password_hash = hashed
    open_sessions.end_of(session, member.id, utc_now())
    login_attempts.forget(session, Attempt.of(member.username, ""))
    note(session, about(member, "staff.password_reset"))
    return True


def _member_of(secret: str) -> StaffUser | None:
    return read(lambda session: password_resets.whose(session, secret, utc_now()))


def _check_offered() -> None:
    """Links need an address that no caller can make up. Raises UnknownRecord."""
    if not container().settings.console_url:
        raise UnknownRecord(_("page: CONSOLE_URL is not set"))


def _forgot(message: str | None = None, kind: str = "") -> Response:
    return login_pages.show("pages/forgot.html", message=message, kind=kind)


def _reset(secret: str, member: StaffUser | None, form: Form) -> Response:
    message = _(NO_LINK) if member is None else None
    page = login_pages.show(
        "pages/reset.html", link=secret, member=member, form=form, message=message
    )
    page.status_code = 404 if member is None else 422 if form.errors else 200
    return page
