"""What a token server grants, read with care: servers differ in `expires_in` above all."""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: A token is renewed this long before it ends, or a tenth of its life when that is less.
MARGIN_S = 30.0
LONGEST_LIFE_S = 86_400.0

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class TokenTrouble(Exception):
    """No token could be had; the text says why. Nothing was sent to the engine."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token and how long it lives; 0 means that it serves one request."""

    access_token: str = field(repr=False)
    life_s: float

    def good_until(self, granted_at: datetime) -> datetime:
        """Until when the token is used for further requests."""
        margin_s = min(MARGIN_S, self.life_s / 10)
        return granted_at + timedelta(seconds=self.life_s - margin_s)


def read_grant(status: int, body: bytes) -> Grant:
    """The grant in a token server's answer. Raises TokenTrouble."""
    if status != 200:
        raise TokenTrouble(f"the token server answered {status}")
    try:
        said = json.loads(body)
    except ValueError as exc:
        raise TokenTrouble("the token server's answer is not JSON") from exc
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise TokenTrouble("the token server's answer holds no access_token")
    return Grant(token, life_s(said.get("expires_in")))


def life_s(expires_in: object) -> float:
    """Seconds, from a number or its text; 0 for everything that is none or not above zero."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return 0.0
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return 0.0
    if math.isnan(seconds) or seconds <= 0:
        return 0.0
    return min(seconds, LONGEST_LIFE_S)
