"""`/api/notification/unsubscribe/<token>/`: the link in an e-mail; it needs no credentials.

A mail program posts `List-Unsubscribe=One-Click` (RFC 8058); a person who follows the link sees a
page with a button, so that whatever looks at links changes nothing.
"""

from flask import Blueprint, Response, make_response, render_template

from notification.catalogue.preferences import Person, change_preference
from notification.container import container
from notification.errors import UnknownRecord
from notification.unsubscribe.links import PATH

blp = Blueprint("unsubscribe", __name__, url_prefix=PATH, template_folder="templates")

_POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


@blp.get("/<string:token>/")
def ask(token: str) -> Response:
    """Ask before anything is changed."""
    _person(token)
    return _page(is_done=False)


@blp.post("/<string:token>/")
def unsubscribe(token: str) -> Response:
    """The person gets no more e-mails; what waits for them is cancelled when it would leave."""
    user_id, actor_type = _person(token)
    with container().database.writing() as session:
        change_preference(session, actor_type, user_id, {"allow_email": False})
    return _page(is_done=True)


def _person(token: str) -> Person:
    links = container().settings.links
    person = links.person(token) if links else None
    if person is None:
        raise UnknownRecord("link")
    return person


def _page(*, is_done: bool) -> Response:
    page = make_response(render_template("unsubscribe.html", is_done=is_done))
    page.headers["Content-Security-Policy"] = _POLICY
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["Cache-Control"] = "no-store"
    return page
