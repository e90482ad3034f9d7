"""A change of clients, mediators, channels or registrations counts the routing version up.

The count is part of the change's own transaction, so no process can see one without the other.
"""

from typing import Any

from sqlalchemy import event, inspect, select, update
from sqlalchemy.orm import Session

from proxy.models import (
    Channel,
    Client,
    ClientSecret,
    ExternalSystemRegistration,
    Mediator,
    RoutingVersion,
)

_ROUTED = (Channel, Client, ClientSecret, ExternalSystemRegistration, Mediator)
#: Of a mediator: what no call is decided by.
_BESIDE_ROUTING = frozenset(
    {
        "account",
        "config",
        "config_changed_at",
        "config_defs",
        "default_channels",
        "endpoints",
        "last_heartbeat",
        "sealed_config",
        "updated_at",
        "uptime",
    }
)


def current_version(session: Session) -> int:
    """The routing version as committed."""
    return session.scalar(select(RoutingVersion.version)) or 0


@event.listens_for(Session, "before_flush")
def _count_up(session: Session, _context: Any, _instances: Any) -> None:
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if _matters(row))]
    if any(isinstance(row, _ROUTED) for row in changed):
        session.execute(update(RoutingVersion).values(version=RoutingVersion.version + 1))


def _matters(row: Any) -> bool:
    """Heartbeats and configuration do not change the table: liveness is read beside it."""
    if not isinstance(row, _ROUTED):
        return False
    state: Any = inspect(row)
    changed = {attr.key for attr in state.attrs if attr.history.has_changes()}
    return bool(changed - _BESIDE_ROUTING) if isinstance(row, Mediator) else bool(changed)
