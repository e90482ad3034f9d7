"""A member of staff proves who they are, and is let in."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from common.audit.chain import Actor, Draft
from common.audit.log import note
from common.audit.values import digest
from common.db.database import Database
from common.logs import get_logger
from common.texts import N_, _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from proxy.access import login_attempts, second_factors
from proxy.access.login_attempts import Attempt
from proxy.access.secrets import hash_secret, is_outdated
from proxy.console.sessions import Proof, StaffSession, mark_of
from proxy.container import Container
from proxy.errors import WrongCredentials
from proxy.models import StaffUser

log = get_logger(__name__)

WRONG_CODE = N_("This code is not right, or was used already.")


@dataclass(frozen=True)
class Caller:
    """From where somebody signs in, and by which browser."""

    address: str
    browser: str


def check_password(
    process: Container, username: str, password: str, address: str, now: datetime
) -> StaffUser:
    """The member of staff. Raises WrongCredentials, TooManyRequests.

    A name that nobody has takes as long as a wrong password; refused attempts cost no hash.
    """
    with process.database.writing() as session:
        login_attempts.begin(session, Attempt.of(username, address), now)
    member = active_member_called(process.database, username)
    hashes = [member.password_hash] if member else []
    if not process.secrets.check(username, password, hashes) or member is None:
        log.warning("sign_in_failed", address=address)
        note_rejected(process.database, member, digest(username))
        raise WrongCredentials(_("User name and password do not match."))
    if is_outdated(member.password_hash):
        _replace_hash(process.database, member, hash_secret(password))
    return member


def check_code(
    process: Container, member: StaffUser, code: str, address: str, now: datetime
) -> None:
    """A code of their app, or a recovery code. Raises WrongCredentials, TooManyRequests.

    Codes are throttled as names are, whoever asks from wherever: who guesses has the password.
    """
    attempt = Attempt.of(f"code of {member.id}", address)
    with process.database.writing() as session:
        login_attempts.begin(session, attempt, now)
    with process.database.writing() as session:
        kind = second_factors.prove(session, process.sealer, member.id, code, now)
        if kind is not None:
            login_attempts.forget(session, attempt)
        if kind == "recovery":
            note(session, about(member, "staff.recovery_code_used"))
    if kind is None:
        log.warning("second_factor_failed", address=address)
        note_rejected(process.database, member)
        raise WrongCredentials(_(WRONG_CODE))


def let_in(
    session: Session, member: StaffUser, proof: Proof, caller: Caller, now: datetime
) -> StaffSession:
    """The session of a member who has just proved who they are."""
    login_attempts.succeed(session, Attempt.of(member.username, caller.address), now)
    note(session, about(member, "staff.signed_in", proof=proof.value))
    session.execute(
        update(StaffUser)
        .where(StaffUser.id == member.id)
        .values(last_login_at=now, updated_at=StaffUser.updated_at, revision=StaffUser.revision)
    )
    begun = StaffSession.begin(member, proof, now)
    session.add(begun.row(caller.address, caller.browser))
    log.info("signed_in", staff_id=str(member.id), address=caller.address, proof=proof.value)
    return begun


def active_member(
    database: Database, member_id: uuid.UUID, mark: str | None = None
) -> StaffUser | None:
    """A member who may sign in, whose password still has the `mark`."""
    with database.reading() as session:
        member = session.get(StaffUser, member_id)
    is_same = member is not None and mark in (None, mark_of(member))
    return member if member is not None and member.is_active and is_same else None


def note_rejected(database: Database, member: StaffUser | None, name: str = "") -> None:
    """A name that nobody has is kept as a digest: typed into the wrong field, it is a password."""
    act = "staff.sign_in_rejected"
    nobody = Draft(act=act, object_kind="staff", object_name=name, actor=Actor("staff", ""))
    with database.writing() as session:
        note(session, about(member, act) if member else nobody)


def about(member: StaffUser, act: str, **after: str) -> Draft:
    """An event of a member who has no session yet."""
    return Draft(
        act=act,
        object_kind="staff",
        object_id=member.id,
        object_name=member.username,
        after=after or None,
        actor=Actor("staff", member.username),
    )


def _replace_hash(database: Database, member: StaffUser, hashed: str) -> None:
    """Ours instead of one that was taken over, unless the password was changed meanwhile."""
    is_same = (StaffUser.id == member.id, StaffUser.password_hash == member.password_hash)
    with database.writing() as session:
        session.execute(
            update(StaffUser)
            .where(*is_same)
            .values(
                password_hash=hashed, updated_at=StaffUser.updated_at, revision=StaffUser.revision
            )
        )
    member.password_hash = hashed  # the session that begins now is of this one


def active_member_called(database: Database, username: str) -> StaffUser | None:
    """A member who may sign in."""
    if not username.isprintable():
        return None  # no name of ours, and nothing to ask a database for
    with database.reading() as session:
        return session.scalar(
            select(StaffUser).where(StaffUser.username == username, StaffUser.is_active)
        )
