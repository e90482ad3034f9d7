"""The console's two cookies; no script reads them, no other site's form sends them."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, g
from werkzeug.wrappers import Response as AnyResponse

from proxy.console.sessions import StaffSession
from proxy.parts import parts

SESSION = "kiungo_session"
LOGIN_FORM = "kiungo_login"
_SESSION_PATH = "/admin"
_LOGIN_PATH = "/admin/login"


def set_session(answer: AnyResponse, session: StaffSession, now: datetime) -> None:
    """Let the browser come back as `session`, until it is closed or idle for too long."""
    idle = timedelta(minutes=parts().settings.session_idle_minutes)
    token = session.token(parts().signer, idle, now)
    answer.set_cookie(SESSION, token, path=_SESSION_PATH, **_guarded())


def forget_session(answer: AnyResponse) -> None:
    """Let the browser come back as nobody."""
    answer.delete_cookie(SESSION, path=_SESSION_PATH, **_guarded())


def set_login_form(answer: Response, value: str) -> None:
    """Bind the log-in form of `answer` to the browser."""
    answer.set_cookie(LOGIN_FORM, value, path=_LOGIN_PATH, **_guarded())


def _guarded() -> dict[str, Any]:
    return {"httponly": True, "samesite": "Lax", "secure": g.edge.scheme == "https"}
