"""The scopes that access tokens can carry, for all services, and who may hand them on."""

import re
from collections.abc import Iterable

from common.console.staff import StaffRole
from common.errors import Forbidden

from proxy.registry.mediators import URN

SCOPES = (
    "proxy:read",
    "proxy:admin",
    "proxy:audit",
    "proxy:clients",
    "proxy:channels",
    "proxy:mediators",
    "proxy:staff",
    "proxy:transactions",
    "proxy:transactions:bodies",
    "proxy:transactions:rerun",
    "mediator:register",
    "esb:relay",
    "esb:crypto",
    "esb:admin",
    "esb:audit",
    "notification:emit",
    "notification:read",
    "notification:admin",
    "notification:audit",
    "policy:read",
    "policy:write",
    "policy:report",
    "policy:audit",
)
#: With a mediator's urn behind it: heartbeats of that mediator, and of no other.
HEARTBEAT = "mediator:heartbeat:"

#: What wider scopes hold besides themselves.
BUNDLES = {
    "proxy:read": frozenset({"proxy:transactions", "proxy:transactions:bodies"}),
    "proxy:mediators": frozenset({"mediator:register"}),
    "proxy:admin": frozenset(
        {
            "mediator:register",
            "proxy:clients",
            "proxy:channels",
            "proxy:mediators",
            "proxy:staff",
            "proxy:transactions:rerun",
        }
    ),
}
_VIEWER = frozenset({"proxy:read", "notification:read", "policy:read", "policy:report"})
#: What a role amounts to: who gives it to somebody must hold as much.
ROLE_SCOPES = {
    StaffRole.OBSERVER: frozenset({"proxy:transactions"}),
    StaffRole.VIEWER: _VIEWER,
    StaffRole.OPERATOR: _VIEWER
    | {"proxy:transactions:rerun", "esb:crypto", "notification:admin", "policy:write"},
    StaffRole.ADMIN: frozenset(SCOPES),
}


def is_scope(name: str) -> bool:
    """Whether there is such a scope."""
    if name.startswith(HEARTBEAT):
        return re.fullmatch(URN, name.removeprefix(HEARTBEAT)) is not None
    return name in SCOPES


def excess(wanted: Iterable[str], held: Iterable[str]) -> list[str]:
    """The scopes of `wanted` that `held` does not hold, in any bundle either."""
    known = set(held)
    for bundle in known & BUNDLES.keys():
        known |= BUNDLES[bundle]
    may_beat = "proxy:mediators" in known
    return sorted(
        name for name in set(wanted) - known if not (may_beat and name.startswith(HEARTBEAT))
    )


def check_may_grant(wanted: Iterable[str], held: Iterable[str]) -> None:
    """Raise Forbidden where somebody would hand on what they do not hold."""
    missing = excess(wanted, held)
    if missing:
        raise Forbidden(f"You cannot grant what you do not hold: {', '.join(missing)[:500]}")
