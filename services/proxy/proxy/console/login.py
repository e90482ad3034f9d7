"""`/admin/login/`, `/admin/logout/`, and the check of a session for the other services."""

from http import HTTPStatus

from common.audit.log import note_act
from common.clock import utc_now
from common.console.rights import SIGNED_IN
from common.console.staff import PASS_HEADER
from common.errors import TooManyRequests
from flask import Response, g, redirect, request
from flask.typing import ResponseReturnValue

from proxy.access import open_sessions
from proxy.access.caller import caller_address
from proxy.console import cookies, login_pages, second_step
from proxy.console.blueprint import pages
from proxy.console.local_paths import local_path
from proxy.console.sessions import Proof
from proxy.console.sign_in import check_password
from proxy.container import container
from proxy.errors import WrongCredentials


@pages.open_page("/login/")
def login_page() -> ResponseReturnValue:
    """The log-in form; who is signed in already goes on."""
    if g.staff is not None:
        return redirect(local_path(request.args.get("next", "")))
    return login_form(request.args.get("next", ""))


@pages.open_page("/login/", "POST")
def log_in() -> ResponseReturnValue:
    """Sign in and go on to where one wanted to go, or to the second step. Raises ForeignForm."""
    login_pages.check_sent_form()
    username, password = (request.form.get(name, "") for name in ("username", "password"))
    wanted = local_path(request.form.get("next", ""))
    now = utc_now()
    try:
        member = check_password(container(), username.strip(), password, caller_address(), now)
    except (WrongCredentials, TooManyRequests) as exc:
        return login_pages.refused(exc, login_form(wanted, str(exc)))
    if second_step.is_needed(member):
        return second_step.begin(member, wanted)
    return login_pages.let_in(member, Proof.PASSWORD, wanted, now)


@pages.act("/logout/", SIGNED_IN)
def log_out() -> ResponseReturnValue:
    """Sign out, here and for every copy of the cookie."""
    with container().database.writing() as session:
        open_sessions.end(session, g.staff.id, utc_now())
        note_act(session, "staff.signed_out", g.staff.staff_id, g.staff.name)
    answer = redirect("/admin/login/", 303)
    cookies.forget_session(answer)
    return answer


@pages.open_page("/session/")
def session_stands() -> ResponseReturnValue:
    """For nginx, before a page of another service: a pass for who asks, or 401."""
    if g.staff is None:
        return Response(status=HTTPStatus.UNAUTHORIZED)
    return Response(
        status=HTTPStatus.NO_CONTENT, headers={PASS_HEADER: g.staff.page_pass(container().signer)}
    )


def login_form(wanted: str, message: str | None = None) -> Response:
    """The page to sign in at, and why that did not do."""
    settings = container().settings
    return login_pages.show(
        "pages/login.html",
        next=local_path(wanted),
        message=message,
        login_image=settings.emblem_login,
        openid=settings.openid,
        can_reset=bool(settings.console_url),
    )
