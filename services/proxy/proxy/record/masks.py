"""Which headers and query parameters are secrets by their names: their values are not recorded.

The lists are the process's; an installation adds to them with `MASKED_HEADERS` and
`MASKED_PARAMETERS` (see `add`), before the first call is recorded.
"""

import re
from collections.abc import Iterable

MASK = "***"
HEADERS = {
    "api-key",
    "apikey",
    "authentication",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "password",
    "private-token",
    "proxy-authorization",
    "secret",
    "set-cookie",
    "token",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-auth-key",
    "x-auth-token",
    "x-client-secret",
    "x-csrf-token",
    "x-goog-api-key",
    "x-password",
    "x-secret",
    "x-session-token",
    "x-vault-token",
}
PARAMETERS = {
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth",
    "auth_token",
    "client_secret",
    "id_token",
    "key",
    "otp",
    "passcode",
    "passwd",
    "password",
    "pin",
    "pwd",
    "refresh_token",
    "secret",
    "session_token",
    "sig",
    "signature",
    "token",
}


def _of(parameters: Iterable[str]) -> re.Pattern[str]:
    """Matches a whole pair; `-` and `_` in a name are one."""
    names = "|".join(re.escape(one).replace("_", "[_-]?") for one in sorted(parameters))
    return re.compile(rf"(?i)(?P<name>(?:^|[?&;])(?:{names})=)[^&;]*")


_pairs = _of(PARAMETERS)


def add(headers: Iterable[str], parameters: Iterable[str]) -> None:
    """Mask these as well."""
    global _pairs
    HEADERS.update(name.lower() for name in headers)
    PARAMETERS.update(name.lower() for name in parameters)
    _pairs = _of(PARAMETERS)


def masked_query(query: str) -> str:
    """A query, with its `?` or without, whose secrets are masked."""
    return _pairs.sub(rf"\g<name>{MASK}", query)
