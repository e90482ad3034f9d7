"""Mediators announce themselves, move on to higher versions, and keep themselves online."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.errors import Conflict
from common.ids import new_id
from common.texts import _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from proxy.errors import StillReferenced, UnknownRecord, VersionTooOld
from proxy.models import Channel, Mediator
from proxy.record.sealing import Sealer
from proxy.registry.endpoints import check_endpoint, why_type_does_not_fit
from proxy.registry.mediator_config import hide, reveal, with_new_members
from proxy.registry.mediator_secrets import seal_secrets
from proxy.registry.records import apply, locked
from proxy.registry.versions import Version

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


@dataclass(frozen=True)
class Beat:
    """What came of a heartbeat: whether the configuration has changed since the one before."""

    mediator: Mediator
    has_new_config: bool


def register(session: Session, sealer: Sealer, given: Mapping[str, Any]) -> Registered:
    """Create the mediator `given["urn"]`, or update it by an equal or higher version.

    What an operator set in its configuration stays; only new members are added. Raises
    VersionTooOld, Invalid, Conflict when a channel does not fit the new endpoint.
    """
    mediator = session.scalar(
        select(Mediator).where(Mediator.urn == given["urn"]).with_for_update()
    )
    if mediator is None:
        check_endpoint(given["endpoint_url"])
        mediator = Mediator(id=new_id(), config={}, config_defs=[], default_channels=[])
        apply(mediator, _columns(sealer, mediator, given))
        session.add(mediator)
        session.flush()
        return Registered(mediator, True)
    if Version.parse(given["version"]) < Version.parse(mediator.version):
        raise VersionTooOld(
            _(
                "%(urn)s is registered with version %(version)s; %(given)s is lower",
                urn=mediator.urn,
                version=mediator.version,
                given=given["version"],
            )
        )
    if mediator.config_changed_at is not None and "config" in given:
        given = {**given, "config": with_new_members(mediator.config, given["config"])}
    _change(session, sealer, mediator, given)
    return Registered(mediator, False)


def update_mediator(
    session: Session,
    sealer: Sealer,
    mediator_id: uuid.UUID,
    changes: Mapping[str, Any],
    now: datetime,
) -> Mediator:
    """Change a mediator by hand: to a lower version as well. Raises as `register`.

    The mediator gets a changed configuration with its next heartbeat.
    """
    mediator = locked(session, Mediator, mediator_id)
    before = config_of(sealer, mediator)
    _change(session, sealer, mediator, changes)
    if config_of(sealer, mediator) != before:
        mediator.config_changed_at = now
        session.flush()
    return mediator


def config_of(sealer: Sealer, mediator: Mediator) -> dict[str, Any]:
    """The configuration with its passwords: for the mediator, and for nobody else."""
    secrets = sealer.open_config(mediator.id, mediator.sealed_config)
    found: dict[str, Any] = reveal(mediator.config, secrets)
    return found


def _change(
    session: Session, sealer: Sealer, mediator: Mediator, changes: Mapping[str, Any]
) -> None:
    if "endpoint_url" in changes:
        _check_channels(session, mediator, check_endpoint(changes["endpoint_url"]))
    apply(mediator, _columns(sealer, mediator, changes))
    session.flush()


def _columns(sealer: Sealer, mediator: Mediator, changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` as they are stored: nothing secret is left in clear. Raises Invalid."""
    return seal_secrets(sealer, mediator, _hidden(sealer, mediator, changes))


def _hidden(sealer: Sealer, mediator: Mediator, changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` with masks for passwords, which are sealed. Raises Invalid."""
    if not changes.keys() & {"config", "config_defs", "default_channels"}:
        return dict(changes)
    known = sealer.open_config(mediator.id, mediator.sealed_config)
    definitions = changes.get("config_defs", mediator.config_defs)
    config = hide(changes.get("config", mediator.config), definitions, known)
    channels = hide(changes.get("default_channels", mediator.default_channels), [], known)
    return {
        **changes,
        "config": config.document,
        "default_channels": channels.document,
        "sealed_config": sealer.seal_config(mediator.id, {**config.secrets, **channels.secrets}),
    }


def _check_channels(session: Session, mediator: Mediator, scheme: str) -> None:
    channels = session.scalars(select(Channel).where(Channel.mediator_id == mediator.id))
    for channel in channels:
        reason = why_type_does_not_fit(channel.channel_type, scheme)
        if reason:
            raise Conflict(_("Channel %(name)s: %(reason)s", name=channel.name, reason=reason))


def delete_mediator(session: Session, mediator_id: uuid.UUID) -> None:
    """Forget a mediator that no channel leads to. Raises StillReferenced."""
    mediator = locked(session, Mediator, mediator_id)
    name = session.scalar(
        select(Channel.name).where(Channel.mediator_id == mediator_id).order_by(Channel.name)
    )
    if name is None:
        name = _with_route_to(session, str(mediator_id))
    if name is not None:
        raise StillReferenced(_("Channel %(name)s still leads to this mediator", name=name))
    session.delete(mediator)
    session.flush()


def _with_route_to(session: Session, mediator_id: str) -> str | None:
    """The name of a channel that has a secondary route there."""
    for name, routes in session.execute(select(Channel.name, Channel.routes)):
        if any(route["mediator_id"] == mediator_id for route in routes):
            return str(name)
    return None


def heartbeat(session: Session, urn: str, uptime_s: float | None, now: datetime) -> Beat:
    """Note that a mediator lives. Not a change of the routing table, so nothing is recompiled.

    Raises UnknownRecord.
    """
    if not re.fullmatch(URN, urn):
        raise UnknownRecord("mediator")
    before = session.execute(
        select(Mediator.last_heartbeat, Mediator.config_changed_at).where(Mediator.urn == urn)
    ).one_or_none()
    if before is None:
        raise UnknownRecord("mediator")
    session.execute(
        update(Mediator)
        .where(Mediator.urn == urn)
        .values(
            last_heartbeat=now,
            uptime=uptime_s,
            updated_at=Mediator.updated_at,
            revision=Mediator.revision,
        )
        .execution_options(synchronize_session=False)
    )
    last, changed_at = before
    mediator = session.scalars(select(Mediator).where(Mediator.urn == urn)).one()
    return Beat(mediator, changed_at is not None and (last is None or last <= changed_at))
