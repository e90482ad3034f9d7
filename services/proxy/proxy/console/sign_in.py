"""A member of staff proves who they are."""

from datetime import datetime

from common.database import Database
from common.logs import get_logger
from sqlalchemy import select, update

from proxy.console import login_attempts
from proxy.console.login_attempts import Attempt
from proxy.errors import WrongCredentials
from proxy.models import StaffUser
from proxy.parts import Parts

log = get_logger(__name__)


def sign_in(process: Parts, username: str, password: str, address: str, now: datetime) -> StaffUser:
    """The member of staff. Raises WrongCredentials, TooManyRequests.

    A name that nobody has takes as long as a wrong password; refused attempts cost no hash.
    """
    attempt = Attempt.of(username, address)
    with process.database.writing() as session:
        login_attempts.begin(session, attempt, now)
    member = _active_member(process.database, username)
    hashes = [member.password_hash] if member else []
    if not process.secrets.check(username, password, hashes) or member is None:
        log.warning("sign_in_failed", address=address)
        raise WrongCredentials("User name and password do not match.")
    with process.database.writing() as session:
        login_attempts.succeed(session, attempt)
        session.execute(
            update(StaffUser)
            .where(StaffUser.id == member.id)
            .values(last_login_at=now, updated_at=StaffUser.updated_at)
        )
    log.info("signed_in", staff_id=str(member.id), address=address)
    return member


def _active_member(database: Database, username: str) -> StaffUser | None:
    if not username.isprintable():
        return None  # no name of ours, and nothing to ask a database for
    with database.reading() as session:
        return session.scalar(
            select(StaffUser).where(StaffUser.username == username, StaffUser.is_active)
        )
