"""`/admin/login/`, `/admin/logout/`, and the check of a session for the other services."""

from http import HTTPStatus

from common.audit.log import note_act
from common.clock import utc_now
from common.console.csrf import FIELD, check_form
from common.console.staff import PASS_HEADER, StaffRole
from common.errors import TooManyRequests
from common.web.problems import status_of
from common.web.tokens import TokenVerifier
from flask import Response, current_app, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from proxy.access.caller import caller_address
from proxy.console import cookies, login_forms, sessions
from proxy.console.blueprint import pages
from proxy.console.local_paths import local_path
from proxy.console.sign_in import sign_in
from proxy.container import container
from proxy.errors import WrongCredentials


@pages.open_page("/login/")
def login_page() -> ResponseReturnValue:
    """The log-in form; who is signed in already goes on."""
    if g.staff is not None:
        return redirect(local_path(request.args.get("next", "")))
    return _login_form(request.args.get("next", ""))


@pages.open_page("/login/", "POST")
def log_in() -> ResponseReturnValue:
    """Sign in and go on to where one wanted to go. Raises ForeignForm."""
    check_form(request.form.get(FIELD, ""), _form_token())
    username, password = (request.form.get(name, "") for name in ("username", "password"))
    address = caller_address()
    now = utc_now()
    try:
        member = sign_in(container(), username.strip(), password, address, now)
    except (WrongCredentials, TooManyRequests) as exc:
        refused = _login_form(request.form.get("next", ""), str(exc))
        refused.status_code = status_of(exc)
        if isinstance(exc, TooManyRequests):
            refused.headers["Retry-After"] = str(exc.retry_after_s)
        return refused
    answer = redirect(local_path(request.form.get("next", "")), 303)
    cookies.set_session(answer, sessions.StaffSession.begin(member, now), now)
    return answer


@pages.act("/logout/", StaffRole.OBSERVER)
def log_out() -> ResponseReturnValue:
    """Sign out, here and for every copy of the cookie."""
    with container().database.writing() as session:
        sessions.end(session, g.staff, utc_now())
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


def _form_token() -> str | None:
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    return login_forms.login_form_token(
        verifier, request.cookies.get(cookies.named(cookies.LOGIN_FORM), "")
    )


def _login_form(wanted: str, message: str | None = None) -> Response:
    token, cookie = login_forms.login_form(container().signer, _form_token())
    page = make_response(
        render_template(
            "pages/login.html",
            token=token,
            next=local_path(wanted),
            message=message,
            login_image=container().settings.emblem_login,
        )
    )
    cookies.set_login_form(page, cookie)
    return page
