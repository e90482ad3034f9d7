"""Codes of an authenticator app (RFC 6238), and recovery codes for who has lost it. Pure.

A code is six digits and holds for its half minute and the one on each side; it is taken once. A
recovery code has 80 bits that nobody guesses: an HMAC of it is kept.
"""

import hmac
import io
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp
import segno

from proxy.access.secrets import hash_generated, matches_generated

ISSUER = "Kiungo"
#: Half minutes that the app's clock may be from ours.
MOST_STEPS_APART = 1
RECOVERY_CODES = 10
_RECOVERY_CHARS = 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def new_totp_secret() -> str:
    """A secret of 160 bits, in base32 as people can type it."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, username: str, host: str) -> str:
    """What the app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{username}@{host}", issuer_name=ISSUER)


def qr_svg(uri: str) -> str:
    """The picture: SVG that stands in a page."""
    picture = io.BytesIO()
    segno.make(uri, error="m").save(
        picture, kind="svg", scale=4, xmldecl=False, dark="#000", light="#fff", title="QR code"
    )
    return picture.getvalue().decode()


def used_step(secret: str, code: str, last: int | None, now: datetime) -> int | None:
    """The step of time that `code` is of; None where it is wrong, or was used already."""
    totp = pyotp.TOTP(secret)
    current = totp.timecode(now)
    given = "".join(code.split()).encode()
    found = None
    for step in range(current - MOST_STEPS_APART, current + MOST_STEPS_APART + 1):
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), given)
        if is_right and (last is None or step > last):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Codes like `k3vd-7mwq-ab2c-xyz4`; shown once, never stored."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_RECOVERY_CHARS))
    return "-".join(letters[at : at + 4] for at in range(0, _RECOVERY_CHARS, 4))


def hashes_of(codes: Sequence[str]) -> list[str]:
    """What is stored instead of recovery codes."""
    return [hash_generated(_plain(code)) for code in codes]


def without(code: str, hashes: Sequence[str]) -> list[str] | None:
    """The hashes that are left once `code` was used; None where it is none of them."""
    given = _plain(code)
    if len(given) != _RECOVERY_CHARS:
        return None
    left = [one for one in hashes if not matches_generated(given, [one])]
    return left if len(left) < len(hashes) else None


def _plain(code: str) -> str:
    return "".join(one for one in code.lower() if one in _LETTERS)
