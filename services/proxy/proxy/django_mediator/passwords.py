"""Django's password hashes, as werkzeug spells them. Pure."""

import base64
import binascii
import re

from common.importing.report import LeftOut

_PBKDF2 = re.compile(r"pbkdf2_sha256\$([1-9][0-9]{0,8})\$([^$]+)\$([A-Za-z0-9+/=]+)")


def as_werkzeug(text: str) -> str:
    """`pbkdf2_sha256$I$S$B64` as `pbkdf2:sha256:I$S$HEX`. Raises LeftOut for another kind."""
    found = _PBKDF2.fullmatch(text)
    if found is None:
        raise LeftOut(_why_not(text))
    iterations, salt, digest = found.groups()
    try:
        raw = base64.b64decode(digest, validate=True)
    except binascii.Error:
        raise LeftOut("its password's hash is damaged") from None
    return f"pbkdf2:sha256:{iterations}${salt}${raw.hex()}"


def _why_not(text: str) -> str:
    method, dollar, _rest = text.partition("$")
    if not text or text.startswith("!") or not dollar:
        return "has no usable password"
    return f"its password is hashed by {method[:20]}, which is not known here"
