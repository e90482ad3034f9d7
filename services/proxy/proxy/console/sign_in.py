"""A member of staff proves who they are."""

from datetime import datetime

from common.audit.chain import Actor, Draft
from common.audit.log import note
from common.audit.values import digest
from common.db.database import Database
from common.logs import get_logger
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from proxy.access.secrets import hash_secret, is_outdated
from proxy.console import login_attempts
from proxy.console.login_attempts import Attempt
from proxy.container import Container
from proxy.errors import WrongCredentials
from proxy.models import StaffUser

log = get_logger(__name__)


def sign_in(
    process: Container, username: str, password: str, address: str, now: datetime
) -> StaffUser:
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
        _note_rejected(process.database, username, member)
        raise WrongCredentials("User name and password do not match.")
    hashed = hash_secret(password) if is_outdated(member.password_hash) else None
    with process.database.writing() as session:
        login_attempts.succeed(session, attempt, now)
        note(session, _signing_in("staff.signed_in", member))
        if hashed is not None:
            _replace_hash(session, member, hashed)
        session.execute(
            update(StaffUser)
            .where(StaffUser.id == member.id)
            .values(last_login_at=now, updated_at=StaffUser.updated_at)
        )
    log.info("signed_in", staff_id=str(member.id), address=address)
    return member


def _note_rejected(database: Database, username: str, member: StaffUser | None) -> None:
    """A name that nobody has is kept as a digest: typed into the wrong field, it is a password."""
    draft = Draft(
        act="staff.sign_in_rejected",
        object_kind="staff",
        object_name="" if member else digest(username),
        actor=Actor("staff", ""),
    )
    if member is not None:
        draft = _signing_in(draft.act, member)
    with database.writing() as session:
        note(session, draft)


def _signing_in(act: str, member: StaffUser) -> Draft:
    return Draft(
        act=act,
        object_kind="staff",
        object_id=member.id,
        object_name=member.username,
        actor=Actor("staff", member.username),
    )


def _replace_hash(session: Session, member: StaffUser, hashed: str) -> None:
    """Ours instead of one that was taken over, unless the password was changed meanwhile."""
    is_same = (StaffUser.id == member.id, StaffUser.password_hash == member.password_hash)
    session.execute(
        update(StaffUser)
        .where(*is_same)
        .values(password_hash=hashed, updated_at=StaffUser.updated_at)
    )


def _active_member(database: Database, username: str) -> StaffUser | None:
    if not username.isprintable():
        return None  # no name of ours, and nothing to ask a database for
    with database.reading() as session:
        return session.scalar(
            select(StaffUser).where(StaffUser.username == username, StaffUser.is_active)
        )
