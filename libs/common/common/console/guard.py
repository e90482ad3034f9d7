"""Before and after every page: who asks, whose form it is, what the browser may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, current_app, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from common.console import csrf, flashes
from common.console.rights import Area, Right
from common.console.settings import ConsoleSettings
from common.console.staff import Staff
from common.errors import Forbidden
from common.texts import _
from common.web.problems import MEDIA_TYPE

HOME = "/admin/"
LOGIN = "/admin/login/"
FORM_MAX_BYTES = 1024 * 1024
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
#: Of words that others wrote, shown within a page: nothing runs, loads or sends anything.
FRAMED = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}


#: Of a document that others made, in a window of its own: the browser's viewer shows it.
DOCUMENT = {
    "Content-Security-Policy": (
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Console:
    """What a process needs to let people in."""

    settings: ConsoleSettings
    staff_source: Callable[[], Staff | None]


def console() -> Console:
    """The console of the current app."""
    found: Console = current_app.extensions["kiungo-console"]
    return found


def admit(rights: Mapping[str, Right | str | None], area: Area) -> ResponseReturnValue | None:
    """Find out who asks; send strangers to the log-in page. Raises Forbidden, ForeignForm."""
    staff = console().staff_source()
    g.staff = staff and staff.at(area)
    is_form = request.method not in _SAFE_METHODS
    if is_form:
        request.max_content_length = FORM_MAX_BYTES
        csrf.check_sender(request.headers, _host(), console().settings.trusted_origins)
    endpoint = request.endpoint or ""
    if endpoint in rights and rights[endpoint] is None:
        return None
    if g.staff is None:
        return _to_login()
    right = rights.get(endpoint)
    if right is None or not g.staff.may(right):
        raise Forbidden(_("Your role (%(role)s) does not allow this.", role=g.staff.role))
    if is_form:
        csrf.check_form(request.form.get(csrf.FIELD, ""), g.staff.csrf)
    return None


def finish(response: Response) -> Response:
    """Problems become pages; cookies and headers are set."""
    is_by_script = "HX-Request" in request.headers
    if response.mimetype == MEDIA_TYPE and not is_by_script:
        problem = response.get_json()
        response.set_data(render_template("console/problem.html", problem=problem))
        response.mimetype = "text/html"
    flashes.carry_flash(response, guarded())
    if request.endpoint != "console.static":
        response.headers["Cache-Control"] = "no-store"
    return strict(response)


def framed(page: str) -> Response:
    """A page of others' words, for an `<iframe sandbox>` of the console."""
    g.browser_rules = FRAMED
    return Response(page)


def others_file(data: bytes, name: str, media: str | None) -> Response:
    """Bytes that others sent. With a `media` type that browsers show safely, they show it; without
    one it is a download, whatever it claims to be.
    """
    g.browser_rules = DOCUMENT if media == "application/pdf" else FRAMED
    answer = Response(data, mimetype=media or "application/octet-stream")
    how = "inline" if media else "attachment"
    answer.headers.set("Content-Disposition", how, filename=name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def strict(response: Response) -> Response:
    """The browser does nothing for `response` that the console does not need."""
    response.headers.update(g.get("browser_rules", HEADERS))
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        response.headers["Cache-Control"] = "no-store"
    return response


def guarded() -> dict[str, Any]:
    """The flags of the console's cookies: no script reads them, no other site's form sends them."""
    scheme = request.headers.get("X-Forwarded-Proto") or request.scheme
    return {"httponly": True, "samesite": "Lax", "secure": scheme == "https"}


def _host() -> str:
    return request.headers.get("X-Forwarded-Host") or request.host


def _to_login() -> ResponseReturnValue:
    """To the log-in page, and from there to what was wanted; htmx moves the whole window."""
    if "HX-Request" in request.headers:
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
        wanted = f"{shown.path}?{shown.query}".rstrip("?")
        return Response(status=401, headers={"HX-Redirect": _login_address(wanted)})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else HOME
    return redirect(_login_address(wanted), 303)


def _login_address(wanted: str) -> str:
    return LOGIN if wanted in {"", HOME} else f"{LOGIN}?next={quote(wanted)}"
