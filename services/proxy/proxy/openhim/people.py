"""Clients and users of OpenHIM: what they prove themselves with works on. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from common.console.staff import StaffRole
from common.importing.loading import loaded

from proxy.access.former_hashes import AFTER, BEFORE, bcrypt_hash, matches_former, sha512_hash
from proxy.openhim.reading import Document, flag, text, texts
from proxy.schemas.clients import ClientIn
from proxy.schemas.staff import StaffIn

#: What OpenHIM's first user has until somebody changes it.
DEFAULT_PASSWORD = "openhim-password"  # noqa: S105 - known to everybody: what must not come over
#: A token that is shorter can be guessed.
SHORT_TOKEN = 16
LONGEST_TOKEN = 1024


@dataclass(frozen=True)
class Person:
    """A client's or a user's fields, what they prove themselves with, and what is said of them."""

    fields: dict[str, Any]
    secret_hash: str | None = field(repr=False)
    token: str | None = field(repr=False)
    notes: list[str]


def client_of(document: Document) -> Person:
    """A client as it would be here. Raises LeftOut."""
    client_id = text(document, "clientID")
    given = {
        "client_id": client_id,
        "name": text(document, "name") or client_id,
        "roles": texts(document, "roles"),
    }
    fields = loaded(ClientIn(only=tuple(given)), given)
    notes: list[str] = []
    hashed = _client_hash(document, notes)
    token = _token(document, notes)
    if text(document, "certFingerprint") or text(document, "cert"):
        notes.append("its certificate does not say who it is here: give it a secret")
    if text(document, "ip"):
        notes.append(f"its address {text(document, 'ip')[:64]} does not say who it is here")
    if hashed is None and token is None:
        notes.append("has no password or token that can come over: give it a secret")
    return Person({**fields, "scopes": [], "allowed_ips": []}, hashed, token, notes)


def user_of(document: Document, passports: Sequence[Document]) -> Person:
    """A member of staff as they would be here. Raises LeftOut."""
    email = text(document, "email")
    groups = texts(document, "groups")
    is_admin = "admin" in groups
    given = {
        "username": email,
        "email": email,
        "role": StaffRole.ADMIN.value if is_admin else StaffRole.VIEWER.value,
        "is_active": not flag(document, "locked"),
    }
    fields = loaded(StaffIn(only=tuple(given)), given)
    notes = [] if is_admin else [f"is a viewer here, of the groups {', '.join(groups)[:100]} there"]
    hashed = _user_hash([document, *passports])
    if hashed is None:
        notes.append("has no password that can come over: set one")
    elif _is_default(hashed):
        hashed = None
        notes.append("has OpenHIM's default password, which does not come over: set one")
    if text(document, "provider") in {"openid", "keycloak"}:
        notes.append("signs in elsewhere there (OpenID): set a password here")
    return Person(fields, hashed, None, notes)


def _client_hash(document: Document, notes: list[str]) -> str | None:
    kind, hashed = text(document, "passwordAlgorithm"), text(document, "passwordHash")
    if not hashed:
        return None
    found = bcrypt_hash(hashed)
    if found is None and kind in {"sha512", ""}:
        found = sha512_hash(AFTER, text(document, "passwordSalt"), hashed)
    if found is None:
        notes.append(f"its password is hashed by {kind[:20] or 'what is not said'}, not known here")
    return found


def _token(document: Document, notes: list[str]) -> str | None:
    token = text(document, "customTokenID")
    if not token:
        return None
    if "{{" in token:
        notes.append("its custom token is a placeholder that was not filled in")
        return None
    if len(token) > LONGEST_TOKEN or not all("!" <= one <= "~" for one in token):
        notes.append("its custom token cannot be sent in a header, and does not come over")
        return None
    if len(token) < SHORT_TOKEN:
        notes.append("its custom token is short and soon guessed: give it another")
    return token


def _user_hash(documents: Sequence[Document]) -> str | None:
    """The first hash that can be checked, bcrypt's before SHA-512."""
    for one in documents:
        found = bcrypt_hash(text(one, "password")) or bcrypt_hash(text(one, "passwordHash"))
        if found is not None:
            return found
    for one in documents:
        salt, hashed = text(one, "passwordSalt"), text(one, "passwordHash")
        found = sha512_hash(BEFORE, salt, hashed) if hashed else None
        if found is not None:
            return found
    return None


def _is_default(hashed: str) -> bool:
    try:
        return matches_former(hashed, DEFAULT_PASSWORD)
    except ImportError:
        return False  # a hash of bcrypt's, which is not installed: nobody signs in by it either


def unusable_hash(name: str) -> str:
    """A hash that no password has, for somebody who is to be given one."""
    return f"{BEFORE}$none${hashlib.sha512(f'nobody {name}'.encode()).hexdigest()}"
