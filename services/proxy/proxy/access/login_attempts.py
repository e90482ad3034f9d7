"""How often somebody may try to sign in. Counted in the database, so for all processes at once.

An attempt is on record before its password is looked at: many at the same moment count one by one.
A name is guessed at from many addresses, so it waits longer and longer whoever asks; only where its
owner has signed in before does it not wait for others' guesses.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network

from common.errors import TooManyRequests
from common.texts import ngettext
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from proxy.access.addresses import parsed_address
from proxy.models import LoginAttempt, UsualPlace

WINDOW = timedelta(minutes=15)
#: Failures of a name within the window, from anywhere, before each next one has to wait.
PER_NAME = 5
#: The first wait; each further failure doubles it, up to the window.
FIRST_WAIT = timedelta(seconds=30)
#: From where a name has signed in, its own failures count alone, and more of them are borne.
PER_USUAL_PLACE = 30
USUAL_FOR = timedelta(days=90)
#: Whatever the names: a bound on what guessing from one address costs us.
PER_ADDRESS = 100
#: The first key of PostgreSQL's advisory locks for this; the second is the name.
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
        key = func.hashtext(attempt.name_digest)
        session.execute(select(func.pg_advisory_xact_lock(_LOCK, key)))
    here = LoginAttempt.address == attempt.address
    same_name = LoginAttempt.name_digest == attempt.name_digest
    if _is_usual(session, attempt, now):
        failures = _failures(session, now, PER_USUAL_PLACE, here, same_name)
        wait = wait_for(failures, now)
    else:
        wait = max(
            growing_wait(_all_failures(session, now, same_name), now),
            wait_for(_failures(session, now, PER_ADDRESS, here), now),
        )
    if wait:
        minutes = -(-wait // 60)
        said = ngettext(
            "Too many failed attempts. Try again in a minute.",
            "Too many failed attempts. Try again in %(count)s minutes.",
            minutes,
        )
        raise TooManyRequests(said, wait)
    session.add(
        LoginAttempt(name_digest=attempt.name_digest, address=attempt.address, attempted_at=now)
    )


def succeed(session: Session, attempt: Attempt, now: datetime) -> None:
    """Forget the failures from here of who has signed in, and remember that they do so here."""
    session.merge(UsualPlace(name_digest=attempt.name_digest, address=attempt.address, last_at=now))
    session.execute(
        delete(LoginAttempt).where(
            LoginAttempt.address == attempt.address,
            LoginAttempt.name_digest == attempt.name_digest,
        )
    )


def forget(session: Session, attempt: Attempt) -> None:
    """Forget the failures of a name, from everywhere."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.name_digest == attempt.name_digest))


def growing_wait(failures: Sequence[datetime], now: datetime) -> int:
    """Seconds until a name may be tried again, by its failures within the window, newest first."""
    excess = len(failures) - PER_NAME
    if excess < 0:
        return 0
    pause = min(FIRST_WAIT * (1 << excess), WINDOW)
    return max(0, math.ceil((failures[0] + pause - now).total_seconds()))


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


def _all_failures(
    session: Session, now: datetime, *where: ColumnElement[bool]
) -> Sequence[datetime]:
    """When the failures of the window were, newest first; no more than make a difference."""
    return session.scalars(
        select(LoginAttempt.attempted_at)
        .where(*where, LoginAttempt.attempted_at > now - WINDOW)
        .order_by(LoginAttempt.attempted_at.desc())
        .limit(PER_NAME + 8)
    ).all()


def _is_usual(session: Session, attempt: Attempt, now: datetime) -> bool:
    place = session.get(UsualPlace, (attempt.name_digest, attempt.address))
    return place is not None and place.last_at > now - USUAL_FOR
