"""What a mediator, or a secondary route, is shown by the hub: Basic, a bearer token, or a field.

`{"kind", "name", "secret"}`: `basic` (name: the user), `bearer` (no name), `header` (name: the
field). The secret is sealed wherever it is stored; a mask given back means the one that is there.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from common.errors import Invalid

from proxy.record.masks import MASK

KINDS = ("basic", "bearer", "header")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Fields that frame a message, or that say who the hub's caller is.
_OWN = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "x-correlation-id", "x-forwarded-for", "x-openhim-transactionid"}
)

Given = Mapping[str, Any]


def settled(given: Given, before: Given | None, secret_before: str, field: str) -> dict[str, str]:
    """What is given, with the secret that is there where a mask came back. Raises Invalid."""
    kind, name, secret = given["kind"], given.get("name", ""), given.get("secret", "")
    if secret in ("", MASK):
        if before is None or before["kind"] != kind or not secret_before:
            raise _invalid(field, "A secret is needed")
        secret = secret_before
    found = {"kind": kind, "name": "" if kind == "bearer" else name, "secret": secret}
    _check(found, field)
    return found


def field_of(credentials: Given) -> tuple[str, str]:
    """The header field that shows them; text beyond ASCII as its UTF-8 bytes."""
    kind, name, secret = credentials["kind"], credentials["name"], credentials["secret"]
    if kind == "basic":
        return "Authorization", f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"
    if kind == "bearer":
        return "Authorization", f"Bearer {secret}"
    return name, secret.encode().decode("latin-1")


def _check(found: Given, field: str) -> None:
    kind, name, secret = found["kind"], found["name"], found["secret"]
    if kind == "basic" and (not name or ":" in name):
        raise _invalid(field, "Basic needs a user name without a colon")
    if kind == "bearer" and not re.fullmatch(r"[!-~]+", secret):
        raise _invalid(field, "A token is printable ASCII without spaces")
    if kind == "header" and (not _NAME.fullmatch(name) or name.lower() in _OWN):
        raise _invalid(field, "This is no header field that can be given")


def _invalid(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", {field: [reason]})
