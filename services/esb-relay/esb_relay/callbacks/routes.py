"""Callback routes: made, changed, taken away."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from common.db.database import Database
from common.texts import _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from esb_relay.config import http_url
from esb_relay.errors import BadTarget, UnknownRecord
from esb_relay.models import CallbackRoute, TargetKind

_QUEUE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PATH = re.compile(r"/[!-~]*")


def matching(**wanted: Any) -> Select[CallbackRoute]:
    """The routes whose columns have these values."""
    return select(CallbackRoute).filter_by(**wanted)


def queue_targets(database: Database) -> set[str]:
    """The queues that routes lead to."""
    wanted = select(CallbackRoute.target).filter_by(target_kind=TargetKind.QUEUE)
    with database.reading() as session:
        return set(session.scalars(wanted))


def existing_route(session: Session, route_id: uuid.UUID) -> CallbackRoute:
    """The route of this id. Raises UnknownRecord."""
    route = session.get(CallbackRoute, route_id)
    if route is None:
        raise UnknownRecord("route")
    return route


def create_route(session: Session, given: Mapping[str, Any]) -> CallbackRoute:
    """A new route. Raises BadTarget; a taken name breaks its constraint."""
    route = CallbackRoute(**given)
    check_target(route.target_kind, route.target)
    session.add(route)
    session.flush()
    return route


def update_route(
    session: Session, route_id: uuid.UUID, changes: Mapping[str, Any]
) -> CallbackRoute:
    """Change a route. Raises UnknownRecord, BadTarget."""
    route = existing_route(session, route_id)
    for name, value in changes.items():
        setattr(route, name, value)
    check_target(route.target_kind, route.target)
    session.flush()
    return route


def delete_route(session: Session, route_id: uuid.UUID) -> None:
    """Take a route away: the bus is answered that there is none. Raises UnknownRecord."""
    session.delete(existing_route(session, route_id))
    session.flush()


def check_target(kind: TargetKind, target: str) -> None:
    """Raises BadTarget for a target that is none of this kind."""
    if kind is TargetKind.QUEUE and not _QUEUE.fullmatch(target):
        raise BadTarget(_("a queue's name is up to 100 letters, digits, dots, dashes"))
    if kind is TargetKind.PROXY and not _PATH.fullmatch(target):
        raise BadTarget(_("a path of the proxy begins with / and holds visible ASCII"))
    if kind is TargetKind.HTTP:
        try:
            http_url(target)
        except ValueError as exc:
            raise BadTarget(_("an address is like https://host/path, without a query")) from exc
