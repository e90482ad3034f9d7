"""`/admin/language/`: which language somebody reads the console in.

The browser remembers it in a cookie, which all services read; the account keeps it for other
browsers, and for what is mailed.
"""

from common.audit.log import note_act
from common.console.csrf import FIELD, check_form
from common.console.guard import guarded
from common.errors import Invalid
from common.texts import COOKIE, LANGUAGES, _
from flask import g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from proxy.console.blueprint import pages
from proxy.console.local_paths import local_path
from proxy.container import container
from proxy.models import StaffUser
from proxy.registry.records import locked

_YEAR_S = 365 * 24 * 3600


@pages.open_page("/language/", "POST")
def choose_language() -> ResponseReturnValue:
    """Go on in another language. Raises Invalid; ForeignForm for who is signed in.

    The form of a stranger changes a cookie of their own browser only; it needs no token.
    """
    code = request.form.get("language", "")
    if code not in LANGUAGES:
        raise Invalid(_("There are no texts in this language."))
    if g.staff is not None:
        check_form(request.form.get(FIELD, ""), g.staff.csrf)
        with container().database.writing() as session:
            locked(session, StaffUser, g.staff.staff_id).language = code
            note_act(session, "staff.language_chosen", g.staff.staff_id, g.staff.name)
    answer = redirect(local_path(request.form.get("back", "")), 303)
    remember(answer, code)
    return answer


def remember(answer: Response, code: str | None) -> None:
    """Let the browser ask for pages in the language `code`; None: as it did before."""
    if code is not None and code in LANGUAGES:
        answer.set_cookie(COOKIE, code, max_age=_YEAR_S, path="/", **guarded())
