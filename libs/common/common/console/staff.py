"""Who uses the console, and the pass by which a service other than the proxy knows them.

The session is a cookie that only the proxy reads: it alone knows who has signed out or was let go.
For a page of another service nginx asks the proxy first (`auth_request`) and hands its answer on in
the header `PASS_HEADER`: a token signed like every other, good for a minute, with the audience
`kiungo-console-page` and the claims `sub`, `name`, `role`, `rights`, `csrf`.
"""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Self

from flask import current_app, request

from common.console.rights import SIGNED_IN, Area, Right, Wanted, right_of, rights_of
from common.console.rights import StaffRole as StaffRole
from common.errors import Unauthenticated
from common.texts import _
from common.web.tokens import TokenVerifier

PASS_HEADER = "X-Kiungo-Staff"  # noqa: S105 - a header's name
PASS_AUDIENCE = "kiungo-console-page"  # noqa: S105 - an audience's name


@dataclass(frozen=True, kw_only=True)
class Staff:
    """A member of staff at work; `csrf` is what their forms must carry."""

    staff_id: uuid.UUID
    name: str
    #: Its name: a built-in one, or one that an administrator made.
    role: str
    csrf: str = field(repr=False)
    #: What the role holds; None: it is a built-in one.
    rights: frozenset[Right] | None = None
    #: Whose pages they are at: what names of built-in roles mean there.
    area: Area = Area.GATEWAY

    @property
    def held(self) -> frozenset[Right]:
        """What they may do."""
        return rights_of(self.role) if self.rights is None else self.rights

    def may(self, wanted: Wanted) -> bool:
        """Whether they hold a right, or what a built-in role stands for in this area."""
        right = right_of(wanted, self.area)
        return right == SIGNED_IN or right in self.held

    def at(self, area: Area) -> Self:
        """The same at the pages of `area`."""
        return replace(self, area=area)


def read_pass(verifier: TokenVerifier, token: str) -> Staff:
    """Whom a pass lets in. Raises Unauthenticated, Unavailable."""
    claims = verifier.claims(token, audience=PASS_AUDIENCE)
    try:
        return Staff(
            staff_id=uuid.UUID(claims["sub"]),
            name=claims["name"],
            role=claims["role"],
            csrf=claims["csrf"],
            rights=_rights(claims),
        )
    except (KeyError, ValueError) as exc:
        raise Unauthenticated(_("The pass is another version's")) from exc


def _rights(claims: dict[str, Any]) -> frozenset[Right]:
    """Those that are known here; the version before passed on the name of the role alone."""
    if "rights" not in claims:
        return rights_of(StaffRole(claims["role"]))
    return frozenset(Right(one) for one in claims["rights"] if one in set(Right))


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
