"""`/admin/…`: the door (log in, log out) and the landing page."""

from typing import Any

from common.clock import utc_now
from common.errors import TooManyRequests
from common.problems import status_of
from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from proxy.console import cookies, entrance, forms, sessions
from proxy.console.local_paths import local_path
from proxy.console.sign_in import sign_in
from proxy.dependencies import ask_all
from proxy.errors import WrongCredentials
from proxy.parts import parts

pages = Blueprint(
    "console", __name__, url_prefix="/admin", template_folder="templates", static_folder="static"
)
pages.before_request(entrance.admit)
pages.after_request(entrance.finish)


@pages.context_processor
def _for_every_page() -> dict[str, Any]:
    settings = parts().settings
    return {
        "staff": g.get("staff"),
        "logo": settings.emblem_logo or url_for("console.static", filename="favicon.svg"),
        "login_image": settings.emblem_login,
        "icon": settings.emblem_icon or settings.emblem_favicon,
    }


@pages.get("/login/")
@entrance.open_to_all
def login_page() -> ResponseReturnValue:
    """The log-in form; who is signed in already goes on."""
    if g.staff is not None:
        return redirect(local_path(request.args.get("next", "")))
    return _login_form(request.args.get("next", ""))


@pages.post("/login/")
@entrance.open_to_all
def log_in() -> ResponseReturnValue:
    """Sign in and go on to where one wanted to go."""
    username, password = (request.form.get(name, "") for name in ("username", "password"))
    now = utc_now()
    try:
        member = sign_in(parts(), username.strip(), password, g.edge.address, now)
    except (WrongCredentials, TooManyRequests) as exc:
        wait = {"Retry-After": str(exc.retry_after_s)} if isinstance(exc, TooManyRequests) else {}
        return _login_form(request.form.get("next", ""), str(exc)), status_of(exc), wait
    answer = redirect(local_path(request.form.get("next", "")), 303)
    cookies.set_session(answer, sessions.StaffSession.begin(member, now), now)
    return answer


@pages.post("/logout/")
def log_out() -> ResponseReturnValue:
    """Sign out, here and for every copy of the cookie."""
    with parts().database.writing() as session:
        sessions.end(session, g.staff, utc_now())
    answer = redirect(url_for("console.login_page"), 303)
    cookies.forget_session(answer)
    return answer


@pages.get("/")
def home() -> ResponseReturnValue:
    """Who is signed in, how the hub is, where the API is described."""
    health = ask_all(parts())
    return render_template(
        "console/home.html", health=health, is_well=all(part["ok"] for part in health.values())
    )


@pages.get("/<path:_rest>")
def nothing_here(_rest: str) -> ResponseReturnValue:
    """Any other path of the console."""
    raise NotFound("The console has no such page.")


def _login_form(wanted: str, message: str | None = None) -> str:
    g.login_form, g.login_cookie = forms.login_form(parts().signer, g.login_form)
    return render_template(
        "console/login.html", token=g.login_form, next=local_path(wanted), message=message
    )
