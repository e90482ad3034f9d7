"""The log-in form's token, before there is a session: it belongs to a short-lived signed cookie."""

import secrets

from common.errors import Unauthenticated
from common.web.tokens import TokenVerifier

from proxy.access.signing import TokenSigner

LOGIN_AUDIENCE = "kiungo-console-login"
#: How long a log-in page may stay open.
LOGIN_FORM_LIFETIME_S = 3600


def login_form(signer: TokenSigner, token: str | None) -> tuple[str, str]:
    """A log-in form's token, `token` where the browser has one already, and its cookie's value."""
    token = token or secrets.token_urlsafe(32)
    cookie = signer.sign("anyone", LOGIN_FORM_LIFETIME_S, audience=LOGIN_AUDIENCE, csrf=token)
    return token, cookie


def login_form_token(verifier: TokenVerifier, cookie: str) -> str | None:
    """The token of the log-in forms that belong to this cookie."""
    try:
        token: str = verifier.claims(cookie, audience=LOGIN_AUDIENCE)["csrf"]
    except Unauthenticated:
        return None
    return token
