"""The console's two cookies; no script reads them, no other site's form sends them."""

from datetime import datetime, timedelta

from common.clock import utc_now
from common.console.guard import guarded
from common.errors import Unauthenticated
from common.web.tokens import TokenVerifier
from flask import Response, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from proxy.access import open_sessions
from proxy.access.caller import caller_address
from proxy.access.roles import reach_of
from proxy.console import sessions
from proxy.console.sessions import StaffSession
from proxy.container import container

SESSION = "kiungo_session"
LOGIN_FORM = "kiungo_login"
_SESSION_PATH = "/admin"
LOGIN_PATH = "/admin/login"
#: Parts of pages that ask again and again by themselves say so: nobody need be at work there.
WATCHING_HEADER = "X-Kiungo-Watching"


def named(cookie: str) -> str:
    """A cookie's name: over HTTPS one that a browser takes from this host alone, for all of it."""
    return f"__Host-{cookie}" if guarded()["secure"] else cookie


def at(path: str) -> str:
    """A cookie's path; `__Host-` cookies are of the whole host."""
    return "/" if guarded()["secure"] else path


def staff_of_cookie() -> StaffSession | None:
    """The session of the request's cookie, if it still stands; use renews it."""
    token = request.cookies.get(named(SESSION))
    if not token:
        return None
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    try:
        session = sessions.read_token(verifier, token)
        with container().database.reading() as database:
            demanding = container().settings.second_factor_roles
            member = sessions.member_of(database, session, demanding)
            reach = reach_of(database, member.custom_role)
    except Unauthenticated:
        return None
    renewed = session.renewed(member, utc_now())
    if renewed is None:
        return session.entitled(member, reach)
    if not _is_watching():
        g.renewed = renewed
        with container().database.writing() as database:
            open_sessions.note_seen(database, renewed.id, caller_address(), renewed.renewed_at)
    return renewed.entitled(member, reach)


def renew(answer: Response) -> Response:
    """Send the cookie of a session that was renewed by this request, and still is one."""
    if "renewed" in g and "signed_out" not in g:
        set_session(answer, g.renewed, g.renewed.renewed_at)
    return answer


def set_session(answer: AnyResponse, session: StaffSession, now: datetime) -> None:
    """Let the browser come back as `session`, until it is closed or idle for too long."""
    idle = timedelta(minutes=container().settings.session_idle_minutes)
    token = session.token(container().signer, idle, now)
    answer.set_cookie(named(SESSION), token, path=at(_SESSION_PATH), **guarded())


def forget_session(answer: AnyResponse) -> None:
    """Let the browser come back as nobody."""
    g.signed_out = True
    answer.delete_cookie(named(SESSION), path=at(_SESSION_PATH), **guarded())


def set_login_form(answer: AnyResponse, value: str) -> None:
    """Bind the log-in form of `answer` to the browser."""
    answer.set_cookie(named(LOGIN_FORM), value, path=at(LOGIN_PATH), **guarded())


def _is_watching() -> bool:
    is_stream = request.headers.get("Accept") == "text/event-stream"
    return is_stream or WATCHING_HEADER in request.headers
