"""The scopes that access tokens can carry, for all services, and who may hand them on."""

import re
from collections.abc import Iterable

from common.console.rights import Right
from common.errors import Forbidden
from common.texts import _

from proxy.registry.mediators import URN

SCOPES = (
    "proxy:read",
    "proxy:admin",
    "proxy:alerts",
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
            "proxy:alerts",
            "proxy:clients",
            "proxy:channels",
            "proxy:mediators",
            "proxy:staff",
            "proxy:transactions:rerun",
        }
    ),
}
#: What a right of staff amounts to: a program that gives it to somebody must hold as much.
RIGHT_SCOPES = {
    Right.GATEWAY_OBSERVE: {"proxy:transactions"},
    Right.GATEWAY_READ: {"proxy:read"},
    Right.GATEWAY_BODIES: {"proxy:transactions:bodies"},
    Right.GATEWAY_RERUN: {"proxy:transactions:rerun"},
    Right.GATEWAY_OPERATE: {"proxy:transactions:rerun", "proxy:alerts"},
    Right.GATEWAY_CHANNELS: {"proxy:channels"},
    Right.GATEWAY_MEDIATORS: {"proxy:mediators"},
    Right.GATEWAY_CLIENTS: {"proxy:clients"},
    Right.GATEWAY_STAFF: {"proxy:staff"},
    Right.GATEWAY_ADMIN: {"proxy:admin"},
    Right.GATEWAY_AUDIT: {"proxy:audit"},
    Right.ESB_READ: set(),
    Right.ESB_OPERATE: {"esb:crypto"},
    Right.ESB_ADMIN: {"esb:admin", "esb:relay"},
    Right.ESB_AUDIT: {"esb:audit"},
    Right.NOTIFICATION_READ: {"notification:read"},
    Right.NOTIFICATION_OPERATE: {"notification:admin"},
    Right.NOTIFICATION_ADMIN: {"notification:admin", "notification:emit"},
    Right.NOTIFICATION_AUDIT: {"notification:audit"},
    Right.POLICY_READ: {"policy:read", "policy:report"},
    Right.POLICY_OPERATE: {"policy:write"},
    Right.POLICY_ADMIN: {"policy:write", "policy:audit"},
    Right.POLICY_AUDIT: {"policy:audit"},
}


def scopes_of(rights: Iterable[Right]) -> frozenset[str]:
    """What a program must hold that gives these rights to somebody."""
    return frozenset(scope for right in rights for scope in RIGHT_SCOPES[right])


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
        raise Forbidden(
            _("You cannot grant what you do not hold: %(rights)s", rights=", ".join(missing)[:500])
        )
