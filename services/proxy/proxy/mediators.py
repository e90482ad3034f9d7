"""Mediators announce themselves, move on to higher versions, and keep themselves online."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.errors import Conflict
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from proxy.endpoints import check_endpoint, why_type_does_not_fit
from proxy.errors import StillReferenced, UnknownRecord, VersionTooOld
from proxy.models import Channel, Mediator
from proxy.records import apply, locked
from proxy.versions import Version

#: What a urn looks like, so that it fits a path segment as it is.
URN = r"^[A-Za-z0-9][A-Za-z0-9._:@+=,;~-]*$"


def is_online(
    given: bool, last_heartbeat: datetime | None, now: datetime, timeout_s: float
) -> bool:
    """Whether a mediator takes calls.

    One that never sent a heartbeat keeps what it was `given`; one that ever did is offline once
    the last is older than `timeout_s`. Switched off by hand it stays off, heartbeats or not.
    """
    if not given or last_heartbeat is None:
        return given
    return now - last_heartbeat <= timedelta(seconds=timeout_s)


@dataclass(frozen=True)
class Registered:
    """What came of a registration."""

    mediator: Mediator
    is_new: bool


def register(session: Session, given: Mapping[str, Any]) -> Registered:
    """Create the mediator `given["urn"]`, or update it by an equal or higher version.

    Raises VersionTooOld, Invalid, Conflict when a channel does not fit the new endpoint.
    """
    mediator = session.scalar(
        select(Mediator).where(Mediator.urn == given["urn"]).with_for_update()
    )
    if mediator is None:
        check_endpoint(given["endpoint_url"])
        mediator = Mediator(**given)
        session.add(mediator)
        session.flush()
        return Registered(mediator, True)
    if Version.parse(given["version"]) < Version.parse(mediator.version):
        raise VersionTooOld(
            f"{mediator.urn} is registered with version {mediator.version}; "
            f"{given['version']} is lower"
        )
    _change(session, mediator, given)
    return Registered(mediator, False)


def update_mediator(
    session: Session, mediator_id: uuid.UUID, changes: Mapping[str, Any]
) -> Mediator:
    """Change a mediator by hand: to a lower version as well. Raises as `register`."""
    mediator = locked(session, Mediator, mediator_id)
    _change(session, mediator, changes)
    return mediator


def _change(session: Session, mediator: Mediator, changes: Mapping[str, Any]) -> None:
    if "endpoint_url" in changes:
        _check_channels(session, mediator, check_endpoint(changes["endpoint_url"]))
    apply(mediator, changes)
    session.flush()


def _check_channels(session: Session, mediator: Mediator, scheme: str) -> None:
    channels = session.scalars(select(Channel).where(Channel.mediator_id == mediator.id))
    for channel in channels:
        reason = why_type_does_not_fit(channel.channel_type, scheme)
        if reason:
            raise Conflict(f"Channel {channel.name}: {reason}")


def delete_mediator(session: Session, mediator_id: uuid.UUID) -> None:
    """Forget a mediator that no channel leads to. Raises StillReferenced."""
    mediator = locked(session, Mediator, mediator_id)
    name = session.scalar(
        select(Channel.name).where(Channel.mediator_id == mediator_id).order_by(Channel.name)
    )
    if name is not None:
        raise StillReferenced(f"Channel {name} still leads to this mediator")
    session.delete(mediator)
    session.flush()


def heartbeat(session: Session, urn: str, uptime_s: float | None, now: datetime) -> Mediator:
    """Note that a mediator lives. Not a change of the routing table, so nothing is recompiled.

    Raises UnknownRecord.
    """
    if not re.fullmatch(URN, urn):
        raise UnknownRecord("mediator")
    noted = session.execute(
        update(Mediator)
        .where(Mediator.urn == urn)
        .values(last_heartbeat=now, uptime=uptime_s, updated_at=Mediator.updated_at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(noted, CursorResult)
    if noted.rowcount == 0:
        raise UnknownRecord("mediator")
    return session.scalars(select(Mediator).where(Mediator.urn == urn)).one()
