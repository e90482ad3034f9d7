"""Who looks for calls by a value that stands in bodies sees data: the audit log has each search."""

from collections.abc import Sequence

from common.audit.log import record_act, viewing
from common.errors import Forbidden
from common.texts import _
from common.web.tokens import held_scopes

from proxy.access.scopes import excess

SEARCHED = "transaction.searched"
SEES_BODIES = "proxy:transactions:bodies"


def note_search(about: Sequence[str] | None) -> None:
    """Let the event of this view say what was looked for, by its digest; none for other lists."""
    viewing(is_shown=about is not None, about=_said(about or ()))


def record_search(about: Sequence[str]) -> None:
    """The same of a form that was sent."""
    record_act(SEARCHED, about=_said(about))


def check_may_search(about: Sequence[str] | None) -> None:
    """Raise Forbidden where a program asks for a value and may not see bodies."""
    if about is not None and excess({SEES_BODIES}, held_scopes()):
        raise Forbidden(_("about wants %(right)s", right=SEES_BODIES))


def _said(about: Sequence[str]) -> str:
    """The digest under the newest key."""
    return f"hmac-sha256:{about[-1]}" if about else ""
