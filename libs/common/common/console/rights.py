"""What members of staff may do: rights over all services, and the roles that are built in.

A page names a right, or a built-in role, which stands for a right of the page's area: what a viewer
may read at the relay is `esb:read`. Roles that administrators make are sets of rights, too.
"""

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType

from common.texts import N_


class StaffRole(enum.StrEnum):
    """The built-in roles; each may do what those before it may."""

    OBSERVER = "observer"  # reads what the gateway does, without bodies and nothing of persons
    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # reads, reruns and sends
    ADMIN = "admin"  # changes everything

    def covers(self, wanted: "StaffRole") -> bool:
        """Whether this role may do what `wanted` may."""
        ranks = list(StaffRole)
        return ranks.index(self) >= ranks.index(wanted)


class Area(enum.StrEnum):
    """Whose pages they are."""

    GATEWAY = "gateway"
    ESB = "esb"
    NOTIFICATION = "notification"
    POLICY = "policy"


class Right(enum.StrEnum):
    """What a role may hold; `LABELS` says it for people."""

    GATEWAY_OBSERVE = "gateway:observe"
    GATEWAY_READ = "gateway:read"
    GATEWAY_BODIES = "gateway:bodies"
    GATEWAY_RERUN = "gateway:rerun"
    GATEWAY_OPERATE = "gateway:operate"
    GATEWAY_CHANNELS = "gateway:channels"
    GATEWAY_MEDIATORS = "gateway:mediators"
    GATEWAY_CLIENTS = "gateway:clients"
    GATEWAY_STAFF = "gateway:staff"
    GATEWAY_ADMIN = "gateway:admin"
    GATEWAY_AUDIT = "gateway:audit"
    ESB_READ = "esb:read"
    ESB_OPERATE = "esb:operate"
    ESB_ADMIN = "esb:admin"
    ESB_AUDIT = "esb:audit"
    NOTIFICATION_READ = "notification:read"
    NOTIFICATION_OPERATE = "notification:operate"
    NOTIFICATION_ADMIN = "notification:admin"
    NOTIFICATION_AUDIT = "notification:audit"
    POLICY_READ = "policy:read"
    POLICY_OPERATE = "policy:operate"
    POLICY_ADMIN = "policy:admin"
    POLICY_AUDIT = "policy:audit"


#: How roles are called.
ROLE_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
#: What pages want that everybody who signed in may open. No role names it.
SIGNED_IN = "signed-in"
Wanted = StaffRole | Right | str

LABELS: Mapping[Right, str] = MappingProxyType(
    {
        Right.GATEWAY_OBSERVE: N_(
            "Gateway: see calls without bodies, statistics, how it is set up"
        ),
        Right.GATEWAY_READ: N_("Gateway: see the settings of mediators, alerts, how all parts are"),
        Right.GATEWAY_BODIES: N_("Gateway: see headers and bodies of calls"),
        Right.GATEWAY_RERUN: N_("Gateway: make calls again"),
        Right.GATEWAY_OPERATE: N_(
            "Gateway: call as any client with the tester, change alert rules"
        ),
        Right.GATEWAY_CHANNELS: N_("Gateway: change channels and registrations"),
        Right.GATEWAY_MEDIATORS: N_("Gateway: change mediators"),
        Right.GATEWAY_CLIENTS: N_("Gateway: change clients and their secrets"),
        Right.GATEWAY_STAFF: N_("Gateway: change staff and roles"),
        Right.GATEWAY_ADMIN: N_("Gateway: export and apply the configuration"),
        Right.GATEWAY_AUDIT: N_("Gateway: read the audit log"),
        Right.ESB_READ: N_("National bus: read"),
        Right.ESB_OPERATE: N_("National bus: sign with the workbench"),
        Right.ESB_ADMIN: N_("National bus: change routes"),
        Right.ESB_AUDIT: N_("National bus: read the audit log"),
        Right.NOTIFICATION_READ: N_("Notification: read"),
        Right.NOTIFICATION_OPERATE: N_("Notification: send, campaigns, preferences"),
        Right.NOTIFICATION_ADMIN: N_("Notification: change events, rules, templates"),
        Right.NOTIFICATION_AUDIT: N_("Notification: read the audit log"),
        Right.POLICY_READ: N_("Policy notification: read"),
        Right.POLICY_OPERATE: N_("Policy notification: runs and consents"),
        Right.POLICY_ADMIN: N_("Policy notification: change settings"),
        Right.POLICY_AUDIT: N_("Policy notification: read the audit log"),
    }
)

_VIEWER = frozenset(
    {
        Right.GATEWAY_OBSERVE,
        Right.GATEWAY_READ,
        Right.GATEWAY_BODIES,
        Right.ESB_READ,
        Right.NOTIFICATION_READ,
        Right.POLICY_READ,
    }
)
BUILT_IN: Mapping[StaffRole, frozenset[Right]] = MappingProxyType(
    {
        StaffRole.OBSERVER: frozenset({Right.GATEWAY_OBSERVE}),
        StaffRole.VIEWER: _VIEWER,
        StaffRole.OPERATOR: _VIEWER
        | {
            Right.GATEWAY_RERUN,
            Right.GATEWAY_OPERATE,
            Right.ESB_OPERATE,
            Right.NOTIFICATION_OPERATE,
            Right.POLICY_OPERATE,
        },
        StaffRole.ADMIN: frozenset(Right),
    }
)
_LEVELS = {
    StaffRole.OBSERVER: "observe",
    StaffRole.VIEWER: "read",
    StaffRole.OPERATOR: "operate",
    StaffRole.ADMIN: "admin",
}


def right_of(wanted: Wanted, area: Area) -> Right | str:
    """The right that `wanted` stands for in `area`. Raises ValueError for another word."""
    if wanted == SIGNED_IN:
        return SIGNED_IN
    if wanted in set(StaffRole):
        is_open = wanted == StaffRole.OBSERVER and area is not Area.GATEWAY
        return SIGNED_IN if is_open else Right(f"{area}:{_LEVELS[StaffRole(wanted)]}")
    return Right(wanted)


def rights_of(role: str) -> frozenset[Right]:
    """What a role that is built in holds; another one holds nothing."""
    return BUILT_IN[StaffRole(role)] if role in set(StaffRole) else frozenset()
