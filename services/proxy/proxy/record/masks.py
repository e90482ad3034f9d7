"""Which headers and query parameters are secrets by their names, and which paths name a person:
what they hold is not recorded.

The lists are the process's; an installation adds to them with `MASKED_HEADERS`,
`MASKED_PARAMETERS` and `KIUNGO_MASKED_PATHS` (see `add`), before the first call is recorded.
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
#: Expressions of paths with what stands in their place; `nginx/edge.sh` makes the same ones.
_paths: list[tuple[re.Pattern[str], str]] = []


def add(headers: Iterable[str], parameters: Iterable[str], paths: Iterable[str] = ()) -> None:
    """Mask these as well; `paths` are like `/patients/*`: what stands at a `*` is masked."""
    global _pairs, _paths
    longest_first = sorted(paths, key=lambda path: -path.count("/"))
    _paths = [(_path(one), one.replace("*", MASK)) for one in longest_first]
    HEADERS.update(name.lower() for name in headers)
    PARAMETERS.update(name.lower() for name in parameters)
    _pairs = _of(PARAMETERS)


def _path(pattern: str) -> re.Pattern[str]:
    """Matches paths that begin so, however they are percent-encoded."""
    spelled = {"/": "(?:/|%2[fF])", "*": "(?:(?!%2[fF])[^/])+"}
    letters = (
        spelled.get(one, f"(?:{re.escape(one)}|(?i:%{ord(one):02x}))") for one in pattern[1:]
    )
    return re.compile(f"(?:/|%2[fF])+{''.join(letters)}(?P<rest>(?:(?:/|%2[fF]).*)?)", re.DOTALL)


def masked_path(path: str) -> str:
    """A path with masks where the longest of the paths that it begins with has a `*`."""
    for pattern, shown in _paths:
        if found := pattern.fullmatch(path):
            return shown + found["rest"]
    return path


def masked_query(query: str) -> str:
    """A query, with its `?` or without, whose secrets are masked."""
    return _pairs.sub(rf"\g<name>{MASK}", query)
