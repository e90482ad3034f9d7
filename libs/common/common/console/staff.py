"""Who uses the console, and the pass by which a service other than the proxy knows them.

The session is a cookie that only the proxy reads: it alone knows who has signed out or was let go.
For a page of another service nginx asks the proxy first (`auth_request`) and hands its answer on in
the header `PASS_HEADER`: a token signed like every other, good for a minute, with the audience
`kiungo-console-page` and the claims `sub`, `name`, `role`, `csrf`.
"""

import enum
import uuid
from dataclasses import dataclass, field

from flask import current_app, request

from common.errors import Unauthenticated
from common.web.tokens import TokenVerifier

PASS_HEADER = "X-Kiungo-Staff"  # noqa: S105 - a header's name
PASS_AUDIENCE = "kiungo-console-page"  # noqa: S105 - an audience's name


class StaffRole(enum.StrEnum):
    """What a member of staff may do in the console; each may do what those before it may."""

    OBSERVER = "observer"  # reads what the gateway does, without bodies and nothing of persons
    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # reads, reruns and sends
    ADMIN = "admin"  # changes everything

    def covers(self, wanted: "StaffRole") -> bool:
        """Whether this role may do what `wanted` may."""
        ranks = list(StaffRole)
        return ranks.index(self) >= ranks.index(wanted)


@dataclass(frozen=True, kw_only=True)
class Staff:
    """A member of staff at work; `csrf` is what their forms must carry."""

    staff_id: uuid.UUID
    name: str
    role: StaffRole
    csrf: str = field(repr=False)

    def may(self, role: StaffRole | str) -> bool:
        """Whether they may do what `role` may."""
        return self.role.covers(StaffRole(role))


def read_pass(verifier: TokenVerifier, token: str) -> Staff:
    """Whom a pass lets in. Raises Unauthenticated, Unavailable."""
    claims = verifier.claims(token, audience=PASS_AUDIENCE)
    try:
        return Staff(
            staff_id=uuid.UUID(claims["sub"]),
            name=claims["name"],
            role=StaffRole(claims["role"]),
            csrf=claims["csrf"],
        )
    except (KeyError, ValueError) as exc:
        raise Unauthenticated("The pass is another version's") from exc


def staff_of_pass() -> Staff | None:
    """Who asks for the current page, by the pass that nginx hands on."""
    token = request.headers.get(PASS_HEADER)
    if not token:
        return None
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    try:
        return read_pass(verifier, token)
    except Unauthenticated:
        return None
