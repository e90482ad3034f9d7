"""Links by which members of staff choose a new password: good once, for half an hour.

The link is in the e-mail and nowhere else: the database has a digest of its secret.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proxy.access.secrets import new_secret
from proxy.models import PasswordReset, StaffUser

LIFETIME = timedelta(minutes=30)


def may_have(member: StaffUser) -> bool:
    """Whether somebody gets a link: whose password is a provider's does not."""
    return bool(member.is_active and member.email and member.oidc_identity is None)


def issue(session: Session, member: StaffUser, now: datetime) -> str:
    """The secret of a new link; an older one of the member is worth nothing any more."""
    secret = new_secret()
    session.merge(
        PasswordReset(staff_id=member.id, digest=_digest(secret), expires_at=now + LIFETIME)
    )
    return secret


def whose(session: Session, secret: str, now: datetime) -> StaffUser | None:
    """Whom a link is for, while it is good."""
    found = session.scalar(
        select(StaffUser)
        .join(PasswordReset, PasswordReset.staff_id == StaffUser.id)
        .where(PasswordReset.digest == _digest(secret), PasswordReset.expires_at > now)
    )
    return found if found is not None and may_have(found) else None


def take(session: Session, secret: str) -> bool:
    """Use a link up; whether nobody else has."""
    gone = delete(PasswordReset).where(PasswordReset.digest == _digest(secret))
    return session.scalar(gone.returning(PasswordReset.staff_id)) is not None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
