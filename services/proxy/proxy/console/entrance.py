"""Before and after every page of the console: who asks, whose form it is, what the browser may do.

Everything is closed unless a view is marked `open_to_all`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from common.clock import utc_now
from common.errors import Unauthenticated
from common.problems import MEDIA_TYPE
from common.tokens import TokenVerifier
from flask import Response, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from proxy.console import cookies, forms, sessions
from proxy.console.local_paths import HOME
from proxy.parts import gateway, parts

View = TypeVar("View", bound=Callable[..., Any])

FORM_MAX_BYTES = 64 * 1024
_STATIC = "console.static"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_open_views: set[str] = {_STATIC}


def open_to_all(view: View) -> View:
    """Decorator (innermost): the page is for people who have not signed in, too."""
    _open_views.add(f"console.{view.__name__}")
    return view


def admit() -> ResponseReturnValue | None:
    """Find out who asks; send strangers to the log-in page. Raises ForeignForm."""
    g.edge = gateway().read_call(request.environ)
    g.staff = g.login_form = None
    if request.endpoint == _STATIC:
        return None
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    g.staff = _staff_session(verifier)
    is_open = request.endpoint in _open_views
    if is_open:
        g.login_form = forms.login_form_token(verifier, request.cookies.get(cookies.LOGIN_FORM, ""))
    elif g.staff is None:
        return redirect(_login_address(), 303)
    if request.method not in _SAFE_METHODS:
        request.max_content_length = FORM_MAX_BYTES
        forms.check_sender(request.headers, g.edge.host, parts().settings.trusted_origins)
        expected = g.login_form if is_open else g.staff.csrf
        forms.check_form(request.form.get(forms.FIELD, ""), expected)
    return None


def finish(response: Response) -> Response:
    """Problems become pages; cookies and headers are set."""
    if response.mimetype == MEDIA_TYPE:
        _show_problem(response)
    if "login_cookie" in g:
        cookies.set_login_form(response, g.login_cookie)
    if "renewed" in g and request.endpoint != "console.log_out":
        cookies.set_session(response, g.renewed, g.renewed.renewed_at)
    response.headers.update(_HEADERS)
    if request.endpoint != _STATIC or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


def _staff_session(verifier: TokenVerifier) -> sessions.StaffSession | None:
    """The session of the request's cookie, if it still stands; remembers to renew it."""
    token = request.cookies.get(cookies.SESSION)
    if not token:
        return None
    try:
        session = sessions.read_token(verifier, token)
        with parts().database.reading() as database:
            member = sessions.member_of(database, session)
    except Unauthenticated:
        return None
    renewed = session.renewed(member, utc_now())
    if renewed is None:
        return session
    g.renewed = renewed
    return renewed


def _login_address() -> str:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else HOME
    return url_for("console.login_page", next=wanted if wanted != HOME else None)


def _show_problem(response: Response) -> None:
    problem = response.get_json()
    response.set_data(render_template("console/problem.html", problem=problem))
    response.mimetype = "text/html"
