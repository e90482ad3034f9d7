"""How often somebody may try to sign in. Counted in the database, so for all processes at once.

An attempt is on record before its password is looked at: many at the same moment count one by one.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network

from common.errors import TooManyRequests
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from proxy.gateway.call import parsed_address
from proxy.models import LoginAttempt

WINDOW = timedelta(minutes=15)
#: Failures within the window after which the next attempt is refused.
PER_NAME_AND_ADDRESS = 5
PER_ADDRESS = 20
#: The first key of PostgreSQL's advisory locks for this; the second is the address.
_LOCK = 0x6B69


@dataclass(frozen=True)
class Attempt:
    """Who tries, from where."""

    name_digest: str
    address: str

    @classmethod
    def of(cls, username: str, address: str) -> "Attempt":
        """An attempt; letter case makes no other name, and an IPv6 network is one address."""
        digest = hashlib.sha256(username.casefold().encode()).hexdigest()
        parsed = parsed_address(address)
        if isinstance(parsed, IPv6Address):
            address = str(IPv6Network((int(parsed), 64), strict=False))
        return cls(digest, address)


def begin(session: Session, attempt: Attempt, now: datetime) -> None:
    """Count the attempt as a failure until it succeeds. Raises TooManyRequests."""
    if session.get_bind().dialect.name == "postgresql":
        key = func.hashtext(attempt.address)
        session.execute(select(func.pg_advisory_xact_lock(_LOCK, key)))
    here = LoginAttempt.address == attempt.address
    same_name = LoginAttempt.name_digest == attempt.name_digest
    wait = max(
        wait_for(_failures(session, now, PER_NAME_AND_ADDRESS, here, same_name), now),
        wait_for(_failures(session, now, PER_ADDRESS, here), now),
    )
    if wait:
        minutes = -(-wait // 60)
        again = "a minute" if minutes == 1 else f"{minutes} minutes"
        raise TooManyRequests(f"Too many failed attempts. Try again in {again}.", wait)
    session.add(
        LoginAttempt(name_digest=attempt.name_digest, address=attempt.address, attempted_at=now)
    )


def succeed(session: Session, attempt: Attempt) -> None:
    """Forget the failures of who has signed in."""
    session.execute(
        delete(LoginAttempt).where(
            LoginAttempt.address == attempt.address,
            LoginAttempt.name_digest == attempt.name_digest,
        )
    )


def wait_for(failure: datetime | None, now: datetime) -> int:
    """Seconds until the failure that is one too many has left the window; 0 without one."""
    if failure is None:
        return 0
    return math.ceil((failure + WINDOW - now).total_seconds())


def _failures(
    session: Session, now: datetime, allowed: int, *where: ColumnElement[bool]
) -> datetime | None:
    """When the `allowed`th last failure of the window was, if there were as many."""
    return session.scalar(
        select(LoginAttempt.attempted_at)
        .where(*where, LoginAttempt.attempted_at > now - WINDOW)
        .order_by(LoginAttempt.attempted_at.desc())
        .offset(allowed - 1)
        .limit(1)
    )
