"""Pages and forms before there is a session: their token, and what lets somebody in."""

from datetime import datetime

from common.console.csrf import FIELD, check_form
from common.errors import DomainError, TooManyRequests
from common.web.problems import status_of
from common.web.tokens import TokenVerifier
from flask import Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from proxy.access.caller import caller_address
from proxy.console import cookies, language, login_forms
from proxy.console.sessions import Proof, StaffSession
from proxy.console.sign_in import Caller
from proxy.console.sign_in import let_in as begin_session
from proxy.console.tickets import Ticket, take
from proxy.container import container
from proxy.models import StaffUser


def show(template: str, **context: object) -> Response:
    """A page whose forms carry `token`, which belongs to the browser."""
    token, cookie = login_forms.login_form(container().signer, _form_token())
    page = make_response(render_template(template, token=token, **context))
    cookies.set_login_form(page, cookie)
    return page


def refused(reason: DomainError, page: Response) -> Response:
    """`page` with the status of what it says."""
    page.status_code = status_of(reason)
    if isinstance(reason, TooManyRequests):
        page.headers["Retry-After"] = str(reason.retry_after_s)
    return page


def check_sent_form() -> None:
    """The form that was sent is of such a page. Raises ForeignForm."""
    check_form(request.form.get(FIELD, ""), _form_token())


def caller() -> Caller:
    """Who asks, as sessions remember it."""
    return Caller(caller_address(), request.headers.get("User-Agent", ""))


def begin(
    member: StaffUser, proof: Proof, now: datetime, ticket: Ticket | None = None
) -> StaffSession:
    """A session of a member who proved who they are, by a ticket that is good once.

    Raises Unauthenticated.
    """
    with container().database.writing() as session:
        if ticket is not None:
            take(session, ticket, now)
        return begin_session(session, member, proof, caller(), now)


def let_in(
    member: StaffUser, proof: Proof, wanted: str, now: datetime, ticket: Ticket | None = None
) -> AnyResponse:
    """The same, and on to where they wanted to go. Raises Unauthenticated."""
    answer = redirect(wanted, 303)
    cookies.set_session(answer, begin(member, proof, now, ticket), now)
    language.remember(answer, member.language)
    return answer


def _form_token() -> str | None:
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    cookie = request.cookies.get(cookies.named(cookies.LOGIN_FORM), "")
    return login_forms.login_form_token(verifier, cookie)
