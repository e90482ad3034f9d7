"""`/admin/login/second/`: after the password, the code of an app; or the app's enrolment.

Who has an app is asked for its code. Whose role demands a second factor and who has none sets an
app up before they get in; who has a passkey uses it instead.
"""

import base64
import uuid
from typing import Any

from common.audit.log import note
from common.clock import utc_now
from common.errors import TooManyRequests, Unauthenticated
from common.texts import _
from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from proxy.access import second_factors, totp
from proxy.access.caller import caller_address
from proxy.access.roles import is_demanding
from proxy.console import cookies, login_pages, origins, tickets
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.sessions import Proof, mark_of
from proxy.console.sign_in import WRONG_CODE, about, active_member, check_code
from proxy.console.tickets import Step, Ticket
from proxy.container import container
from proxy.errors import WrongCredentials
from proxy.models import StaffUser

PATH = "/admin/login/second/"
LOGIN = "/admin/login/"


def is_needed(member: StaffUser) -> bool:
    """Whether a password alone does not let them in."""
    return bool(member.sealed_totp) or is_demanding(
        member, container().settings.second_factor_roles
    )


def begin(member: StaffUser, wanted: str) -> AnyResponse:
    """On to the second step of who typed the right password."""
    said: dict[str, Any] = {"staff": str(member.id), "mark": mark_of(member), "next": wanted}
    if not _has_factor(member):
        sealed = second_factors.seal_totp(container().sealer, member.id, totp.new_totp_secret())
        said["app"] = base64.b64encode(sealed).decode()
    answer = redirect(PATH, 303)
    tickets.hand_out(answer, Step.SECOND, **said)
    return answer


@pages.open_page("/login/second/")
def second_step() -> ResponseReturnValue:
    """The form for the code, or the picture for the app."""
    try:
        ticket, member, secret = _pending()
    except Unauthenticated:
        return redirect(LOGIN, 303)
    return _form(ticket, member, secret)


@pages.open_page("/login/second/", "POST")
def prove_second() -> ResponseReturnValue:
    """Let in who proves it. Raises ForeignForm."""
    login_pages.check_sent_form()
    try:
        ticket, member, secret = _pending()
    except Unauthenticated:
        return redirect(LOGIN, 303)
    code = request.form.get("code", "")
    try:
        if secret is not None:
            return _enrol(ticket, member, secret, code)
        check_code(container(), member, code, caller_address(), utc_now())
        answer = login_pages.let_in(member, Proof.CODE, ticket.said["next"], utc_now(), ticket)
    except Unauthenticated:
        return redirect(LOGIN, 303)
    except (WrongCredentials, TooManyRequests) as exc:
        return login_pages.refused(exc, _form(ticket, member, secret, str(exc)))
    tickets.forget(answer, Step.SECOND)
    return answer


def _enrol(ticket: Ticket, member: StaffUser, secret: str, code: str) -> Response:
    """Raises WrongCredentials, Unauthenticated."""
    process, now = container(), utc_now()
    with process.database.writing() as session:
        codes = second_factors.enrol(session, process.sealer, member.id, secret, code, now)
        if codes is None:
            raise WrongCredentials(_(WRONG_CODE))
        note(session, about(member, "staff.app_enrolled"))
    begun = login_pages.begin(member, Proof.CODE, now, ticket)
    page = login_pages.show("pages/recovery_codes.html", codes=codes, next=ticket.said["next"])
    cookies.set_session(page, begun, now)
    tickets.forget(page, Step.SECOND)
    return page


def _pending() -> tuple[Ticket, StaffUser, str | None]:
    """The ticket, whose it is, and the secret of the app that they set up.

    Raises Unauthenticated.
    """
    ticket = tickets.shown(Step.SECOND)
    member_id = uuid.UUID(ticket.said["staff"])
    member = active_member(container().database, member_id, ticket.said["mark"])
    if member is None:
        raise Unauthenticated(_("The password was changed, or the member of staff has left"))
    sealed = base64.b64decode(ticket.said.get("app", ""))
    if sealed and _has_factor(member):
        raise Unauthenticated(_("They have a second factor by now"))
    secret = second_factors.open_totp(container().sealer, member.id, sealed) if sealed else None
    return ticket, member, secret


def _has_factor(member: StaffUser) -> bool:
    if member.sealed_totp:
        return True
    return read(lambda session: second_factors.has_passkey(session, member.id))


def _form(
    ticket: Ticket, member: StaffUser, secret: str | None, message: str | None = None
) -> Response:
    picture = Markup("")
    if secret is not None:
        uri = totp.provisioning_uri(secret, member.username, origins.host())
        picture = Markup(totp.qr_svg(uri))  # noqa: S704 - of our own making
    return login_pages.show(
        "pages/second_step.html",
        secret=secret,
        picture=picture,
        has_app=bool(member.sealed_totp),
        next=ticket.said["next"],
        message=message,
    )
