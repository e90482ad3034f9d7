"""Staff sessions: a signed token in a cookie, and the proxy's word on whether it still stands.

Claims, audience `kiungo-console`: `sub` the member's id, `name`, `role`, `csrf` (the token of its
forms), `jti` the session's id, `auth_time` when it began, `password_mark`, `proof`. A token ends
when its holder is idle for `SESSION_IDLE_MINUTES`; pages renew it, up to `LONGEST`. What a token
cannot know, that its member was let go or that it was ended, stands in the database. Other services
get a pass (see `common.console.staff`).
"""

import enum
import hashlib
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from common.console.staff import PASS_AUDIENCE, Staff
from common.errors import Unauthenticated
from common.texts import _
from common.web.tokens import TokenVerifier
from sqlalchemy.orm import Session

from proxy.access import open_sessions
from proxy.access.open_sessions import LONGEST, RENEW_AFTER
from proxy.access.roles import ALL_CHANNELS, Reach, held_by, is_demanding
from proxy.access.signing import TokenSigner
from proxy.models import OpenSession, StaffUser

AUDIENCE = "kiungo-console"
#: A pass is for one page.
PASS_LIFETIME_S = 60


class Proof(enum.StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 - alone, where no second factor is demanded
    CODE = "code"  # a password, and a code of an app or a recovery code
    PASSKEY = "passkey"  # a device that has seen who holds it
    OPENID = "openid"  # whatever the provider asks for


@dataclass(frozen=True, kw_only=True)
class StaffSession(Staff):
    """A member of staff who signed in at `began_at` and was seen at `renewed_at`."""

    id: uuid.UUID
    password_mark: str = field(repr=False)
    proof: Proof
    began_at: datetime
    renewed_at: datetime
    #: The channels whose calls they reach.
    reach: Reach = ALL_CHANNELS

    @classmethod
    def begin(cls, member: StaffUser, proof: Proof, now: datetime) -> Self:
        """A new session of `member`, who has just proved who they are."""
        return cls(
            id=uuid.uuid4(),
            staff_id=member.id,
            name=member.username,
            role=member.role_name,
            csrf=secrets.token_urlsafe(32),
            password_mark=mark_of(member),
            proof=proof,
            began_at=now,
            renewed_at=now,
        )

    def token(self, signer: TokenSigner, idle: timedelta, now: datetime) -> str:
        """The cookie's value from `now` on."""
        lifetime = min(idle, self.began_at + LONGEST - now)
        return signer.sign(
            str(self.staff_id),
            int(lifetime.total_seconds()),
            audience=AUDIENCE,
            jti=str(self.id),
            name=self.name,
            role=self.role,
            csrf=self.csrf,
            auth_time=int(self.began_at.timestamp()),
            password_mark=self.password_mark,
            proof=self.proof.value,
        )

    def row(self, address: str, browser: str) -> OpenSession:
        """What is kept of it, to be looked at."""
        return OpenSession(
            id=self.id,
            staff_id=self.staff_id,
            proof=self.proof.value,
            address=address[:64],
            browser=browser[:255],
            began_at=self.began_at,
            seen_at=self.renewed_at,
        )

    def page_pass(self, signer: TokenSigner) -> str:
        """What lets its holder into one page of another service."""
        return signer.sign(
            str(self.staff_id),
            PASS_LIFETIME_S,
            audience=PASS_AUDIENCE,
            name=self.name,
            role=self.role,
            rights=sorted(self.held),
            csrf=self.csrf,
        )

    def renewed(self, member: StaffUser, now: datetime) -> Self | None:
        """The session with what `member` is called and may do now; None while it need not be."""
        current = replace(self, name=member.username, role=member.role_name)
        if current == self and now - self.renewed_at < RENEW_AFTER:
            return None
        return replace(current, renewed_at=now)

    def entitled(self, member: StaffUser, reach: Reach) -> Self:
        """The session with what `member`'s role holds and reaches now; no token says that."""
        return replace(self, rights=held_by(member), reach=reach)


def read_token(verifier: TokenVerifier, token: str) -> StaffSession:
    """The session that a cookie's value stands for. Raises Unauthenticated."""
    claims = verifier.claims(token, audience=AUDIENCE)
    try:
        return StaffSession(
            id=uuid.UUID(claims["jti"]),
            staff_id=uuid.UUID(claims["sub"]),
            name=claims["name"],
            role=claims["role"],
            csrf=claims["csrf"],
            password_mark=claims["password_mark"],
            proof=Proof(claims.get("proof", Proof.PASSWORD)),
            began_at=datetime.fromtimestamp(claims["auth_time"], UTC),
            renewed_at=datetime.fromtimestamp(claims["iat"], UTC),
        )
    except (KeyError, ValueError) as exc:
        raise Unauthenticated(_("The session is another version's")) from exc


def member_of(
    database: Session, session: StaffSession, demanding: Collection[str] = ()
) -> StaffUser:
    """Whose session it is; of roles that are `demanding` a password alone is not enough.

    Raises Unauthenticated once they have left, the session was ended, or the password changed.
    """
    member = database.get(StaffUser, session.staff_id)
    if member is None or not member.is_active:
        raise Unauthenticated(_("The member of staff has left"))
    if mark_of(member) != session.password_mark:
        raise Unauthenticated(_("The password was changed"))
    if session.proof is Proof.PASSWORD and is_demanding(member, demanding):
        raise Unauthenticated(_("The role demands a second factor"))
    if open_sessions.is_ended(database, session.id):
        raise Unauthenticated(_("The session was ended"))
    return member


def mark_of(member: StaffUser) -> str:
    """Tells one password hash from another, and nothing else."""
    return hashlib.sha256(member.password_hash.encode()).hexdigest()[:16]
