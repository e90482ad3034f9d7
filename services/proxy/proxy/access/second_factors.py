"""What a member of staff proves besides the password: a code of their app, or a recovery code."""

import uuid
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from proxy.access import totp
from proxy.models import Passkey, StaffUser
from proxy.record.sealing import Sealer
from proxy.registry.records import locked

_CONTEXT = b"authenticator app "


def seal_totp(sealer: Sealer, member_id: uuid.UUID, secret: str) -> bytes:
    """What is stored instead of an app's secret."""
    return sealer.seal_secret(_CONTEXT + member_id.bytes, {"secret": secret})


def open_totp(sealer: Sealer, member_id: uuid.UUID, sealed: bytes) -> str | None:
    """The secret again; None where its key is gone."""
    found = sealer.open_secret(_CONTEXT + member_id.bytes, sealed)
    return found["secret"] if found is not None else None


def enrol(
    session: Session, sealer: Sealer, member_id: uuid.UUID, secret: str, code: str, now: datetime
) -> list[str] | None:
    """Let an app count from now on; the recovery codes, or None where `code` is not the app's."""
    member = locked(session, StaffUser, member_id)
    step = totp.used_step(secret, code, None, now)
    if step is None:
        return None
    member.sealed_totp = seal_totp(sealer, member_id, secret)
    member.totp_step = step
    return renew_recovery_codes(member)


def renew_recovery_codes(member: StaffUser) -> list[str]:
    """New ones instead of those that are left."""
    codes = totp.new_recovery_codes()
    member.recovery_hashes = totp.hashes_of(codes)
    return codes


def prove(
    session: Session, sealer: Sealer, member_id: uuid.UUID, code: str, now: datetime
) -> str | None:
    """What `code` is, `app` or `recovery`, and not again; None where it is neither."""
    member = locked(session, StaffUser, member_id)
    left = totp.without(code, member.recovery_hashes)
    if left is not None:
        member.recovery_hashes = left
        return "recovery"
    secret = open_totp(sealer, member.id, member.sealed_totp) if member.sealed_totp else None
    step = totp.used_step(secret, code, member.totp_step, now) if secret else None
    if step is None:
        return None
    member.totp_step = step
    return "app"


def forget_app(session: Session, member_id: uuid.UUID) -> None:
    """Neither app nor recovery codes count any more. Raises UnknownRecord."""
    member = locked(session, StaffUser, member_id)
    member.sealed_totp = member.totp_step = None
    member.recovery_hashes = []


def forget_all(session: Session, member_id: uuid.UUID) -> None:
    """The same, and no passkey does: for somebody who has lost all. Raises UnknownRecord."""
    forget_app(session, member_id)
    session.execute(delete(Passkey).where(Passkey.staff_id == member_id))


def has_passkey(session: Session, member_id: uuid.UUID) -> bool:
    """Whether they have registered one."""
    return bool(session.scalar(select(exists().where(Passkey.staff_id == member_id))))
