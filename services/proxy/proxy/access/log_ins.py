"""The log-in by token that older mediators know: for machine accounts, and for nothing else. Pure.

The caller asks for the account's salt and sends, beside a moment, SHA-512(digest + salt + moment),
where digest is SHA-512(salt + secret). Whoever has the digest can log in: it is sealed at rest.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

#: What a machine account's client may do: register mediators and beat for them, read their channels
#: and add to their calls on record.
SCOPE = "mediator:register"
#: How far the caller's clock may be from ours.
MOST_APART = timedelta(seconds=10)


@dataclass(frozen=True)
class Claim:
    """What a caller sent: `moment` as it was written."""

    salt: str
    moment: str
    token: str = field(repr=False)


def new_log_in(secret: str) -> str:
    """Salt and digest of a secret, in one text."""
    salt = secrets.token_hex(16)
    return f"{salt}${_sha512(salt + secret)}"


def salt_of(log_in: str) -> str:
    """The salt, for whoever asks."""
    return log_in.partition("$")[0]


def is_right(log_in: str, claim: Claim, now: datetime) -> bool:
    """Whether the claim is the account's, and of this moment."""
    digest = log_in.partition("$")[2]
    expected = _sha512(digest + claim.salt + claim.moment)
    is_same = hmac.compare_digest(expected, claim.token.lower().encode("ascii", "replace").decode())
    moment = _moment(claim.moment)
    return is_same and moment is not None and abs(now - moment) <= MOST_APART


def _moment(text: str) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None


def _sha512(text: str) -> str:
    return hashlib.sha512(text.encode("utf-8", "surrogatepass")).hexdigest()
