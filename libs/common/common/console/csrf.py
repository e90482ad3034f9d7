"""Forms that only the console's own pages may send (no cross-site request forgery).

Each form carries a token that its page got: the session's, or before there is one, that of a
short-lived signed cookie. Where the browser says which origin sends, that must be ours as well.
"""

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from common.errors import Forbidden
from common.texts import _

FIELD = "csrf_token"


class ForeignForm(Forbidden):
    """A form of the console that none of its own pages sent, as far as can be told."""


def check_form(given: str, expected: str | None) -> None:
    """The form's token must be the page's. Raises ForeignForm."""
    if expected is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForeignForm(
            _(
                "This form is out of date, or the browser keeps no cookies. Go back to its page, "
                "load it anew, and send it again."
            )
        )


def check_sender(headers: Headers, host: str, trusted: Collection[str]) -> None:
    """`Origin`, else `Referer`, must name our own host or a trusted origin. Raises ForeignForm.

    A sender that tells neither is no browser, or one that is told to say nothing: the form's token
    decides alone.
    """
    origin = headers.get("Origin") or _origin_of(headers.get("Referer", ""))
    if origin and origin not in trusted and _host_of(origin) != host.lower():
        raise ForeignForm(_("This form was sent from another site."))


def _origin_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if rest else url


def _host_of(origin: str) -> str | None:
    """Host and port of an origin; None for what is none, such as `null`."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None
