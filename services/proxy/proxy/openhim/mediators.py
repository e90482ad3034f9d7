"""A mediator of OpenHIM as a mediator here, and the mediators that routes lead to."""

import re
from collections.abc import Collection
from typing import Any

from common.importing.loading import DOES_NOT_FIT, loaded, why
from common.importing.report import LeftOut
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.scopes import SCOPES, excess
from proxy.models import Channel, Mediator
from proxy.openhim.reading import Document, flag, listed, text
from proxy.openhim.targets import Target, endpoint_of
from proxy.record.sealing import Sealer
from proxy.registry import mediators
from proxy.registry.mediator_secrets import opened
from proxy.registry.versions import semantic_version
from proxy.schemas.mediators import MediatorIn

#: Before the host and port of a mediator that only a route speaks of.
ROUTE_URN = "urn:openhim:route:"


def fields_of(document: Document) -> dict[str, Any]:
    """A registration as `MediatorIn` reads it. Raises LeftOut naming what is wrong."""
    endpoints = [one for one in listed(document, "endpoints") if isinstance(one, dict)]
    if not endpoints:
        raise LeftOut("endpoints: at least one is needed")
    first = next((one for one in endpoints if flag(one, "primary")), endpoints[0])
    if not text(document, "version"):
        raise LeftOut("version: is needed")
    config = document.get("config")
    given = {
        "urn": text(document, "urn"),
        "name": text(document, "name"),
        "version": semantic_version(text(document, "version")),
        "endpoint_url": endpoint_of(first),
        "endpoints": endpoints,
        "config_defs": listed(document, "configDefs"),
        "default_channels": listed(document, "defaultChannelConfig"),
        **({"config": config} if config is not None else {}),
    }
    return loaded(MediatorIn(), given)


def document_of(mediator: Mediator) -> dict[str, Any]:
    """A mediator in OpenHIM's words; masks stand for its passwords."""
    return {
        "_id": mediator.id.hex[:24],
        "urn": mediator.urn,
        "version": mediator.version,
        "name": mediator.name,
        "description": mediator.name,
        "endpoints": mediator.endpoints,
        "defaultChannelConfig": mediator.default_channels,
        "configDefs": mediator.config_defs,
        "config": mediator.config,
        **({"_uptime": mediator.uptime} if mediator.uptime is not None else {}),
        **(
            {"_lastHeartbeat": mediator.last_heartbeat.isoformat()}
            if mediator.last_heartbeat is not None
            else {}
        ),
    }


def mediator_of(
    session: Session,
    sealer: Sealer,
    target: Target,
    preferred: Mediator | None = None,
    account: str = "",
    held: Collection[str] = SCOPES,
) -> Mediator:
    """Who listens where a route leads: `preferred`, one that is known, else a new one.

    Of those that are known it must be one that is shown what the route says, or nothing as well.
    One that belongs to a machine account other than `account` is nobody's but that account's: it
    could lead the channel's calls elsewhere with its next registration. A new one
    is registered by whoever holds the scope for it in `held`. Raises LeftOut.
    """
    shown = target.credentials
    is_there = preferred is not None and preferred.endpoint_url.rstrip("/") == target.url
    if preferred is not None and is_there and (shown is None or _has(sealer, preferred, shown)):
        return preferred
    wanted = select(Mediator).where(
        Mediator.endpoint_url.in_((target.url, f"{target.url}/")),
        Mediator.account.in_({"", account}),
    )
    for known in session.scalars(wanted.order_by(Mediator.id)):
        if known.credentials is None if shown is None else _has(sealer, known, shown):
            return known
    if excess(["proxy:mediators"], held):
        raise LeftOut(f"leads to {target.url}, where no mediator is: proxy:mediators registers one")
    return _made(session, sealer, target, preferred)


def _has(sealer: Sealer, mediator: Mediator, credentials: dict[str, str]) -> bool:
    if mediator.credentials is None:
        return False
    try:
        secret = opened(sealer, mediator).get("secret", "")
    except ValueError:
        return False
    return {**mediator.credentials, "secret": secret} == credentials


def _made(session: Session, sealer: Sealer, target: Target, preferred: Mediator | None) -> Mediator:
    place = re.sub(r"[^A-Za-z0-9._:-]", "-", target.url.partition("://")[2])
    user = (target.credentials or {}).get("name", "")
    if user:
        place = f"{re.sub(r'[^A-Za-z0-9._-]', '-', user)[:64]}@{place}"
    given: dict[str, Any] = {
        "urn": f"{ROUTE_URN}{place}",
        "name": target.name or place,
        "version": "1.0.0",
        "endpoint_url": target.url,
    }
    if target.credentials is not None:
        given["credentials"] = target.credentials
    known = session.scalar(select(Mediator).where(Mediator.urn == given["urn"]))
    if known is not None and known.account:
        raise LeftOut(f"the mediator {known.urn} of its route belongs to a machine account")
    if known is not None and target.credentials is None:
        return known
    if known is not None and _leads_others(session, known, preferred):
        raise LeftOut("its route's password is not that of another route to the same host")
    try:
        return mediators.register(session, sealer, loaded(MediatorIn(), given)).mediator
    except DOES_NOT_FIT as exc:
        raise LeftOut(why(exc)) from exc


def _leads_others(session: Session, mediator: Mediator, preferred: Mediator | None) -> bool:
    """Whether channels lead there besides the one that leads to `preferred` until now."""
    wanted = select(Channel.id).where(Channel.mediator_id == mediator.id).limit(2)
    own = 1 if preferred is mediator else 0
    return len(session.scalars(wanted).all()) > own
