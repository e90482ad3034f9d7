"""Hashes that came over from other systems, as they are written here. Pure.

`sha512-after$SALT$HEX` is SHA-512 of the secret with the salt after it (OpenHIM's clients),
`sha512-before$SALT$HEX` with the salt before it (its users), `$2…` is bcrypt's own spelling.
"""

import hashlib
import hmac
import re

AFTER, BEFORE = "sha512-after", "sha512-before"
_BCRYPT = re.compile(r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_SALT = re.compile(r"[^$\s]{0,96}")
_SHA512_HEX = re.compile(r"[0-9A-Fa-f]{128}")
#: bcrypt looks at no more of a secret.
BCRYPT_BYTES = 72


def sha512_hash(kind: str, salt: str, digest: str) -> str | None:
    """Such a hash as it is stored; None where it is none."""
    if not _SHA512_HEX.fullmatch(digest) or not _SALT.fullmatch(salt):
        return None
    return f"{kind}${salt}${digest.lower()}"


def bcrypt_hash(text: str) -> str | None:
    """bcrypt's spelling as it is stored; None where it is none."""
    return text if _BCRYPT.fullmatch(text) else None


def is_former(stored: str) -> bool:
    """Whether `stored` is one of these."""
    return stored.startswith((f"{AFTER}$", f"{BEFORE}$", "$2"))


def matches_former(stored: str, secret: str) -> bool:
    """Whether `secret` belongs to a hash that came over."""
    if stored.startswith("$2"):
        return _matches_bcrypt(stored, secret)
    kind, salt, digest = stored.split("$")
    salted = f"{secret}{salt}" if kind == AFTER else f"{salt}{secret}"
    found = hashlib.sha512(salted.encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(found, digest)


def _matches_bcrypt(stored: str, secret: str) -> bool:
    import bcrypt  # here: only an installation that took such hashes over needs it

    given = secret.encode("utf-8", "surrogatepass")[:BCRYPT_BYTES]
    if b"\x00" in given:
        return False
    return bool(bcrypt.checkpw(given, stored.encode()))
