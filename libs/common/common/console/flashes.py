"""One line for the next page ("Saved."), carried over the redirect by a cookie."""

import base64
import binascii
import json
from typing import Any, NamedTuple

from flask import Response, g, request

COOKIE = "kiungo_flash"
_MAX_CHARS = 500
_LIFETIME_S = 60


class Flash(NamedTuple):
    """What to say; `kind` is `good` or `bad`."""

    text: str
    kind: str


def flash(text: str, kind: str = "good") -> None:
    """Say `text` on the page that the answer to this request leads to."""
    g.flash = Flash(text[:_MAX_CHARS], kind)


def waiting_flash() -> Flash | None:
    """What the request before wanted to say. Anybody's cookie is only text here."""
    raw = request.cookies.get(COOKIE, "")
    try:
        text, kind = json.loads(base64.urlsafe_b64decode(raw))
    except (ValueError, TypeError, binascii.Error):
        return None
    g.flash_was_shown = True
    return Flash(str(text)[:_MAX_CHARS], "bad" if kind == "bad" else "good")


def carry_flash(response: Response, guarded: dict[str, Any]) -> None:
    """Set or forget the cookie; `guarded` are the flags of the console's cookies."""
    if "flash" in g:
        value = base64.urlsafe_b64encode(json.dumps(g.flash).encode()).decode()
        response.set_cookie(COOKIE, value, max_age=_LIFETIME_S, path="/admin", **guarded)
    elif "flash_was_shown" in g:
        response.delete_cookie(COOKIE, path="/admin", **guarded)
