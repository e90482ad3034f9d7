"""Secondary routes of a channel: other systems that get its calls, too. Checked and sealed when
saved, compiled where calls are made.
"""

import base64
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import Invalid
from common.http.endpoint import Endpoint
from common.texts import _

from proxy.models import Channel, Mediator
from proxy.record.sealing import Sealer
from proxy.registry.credentials import field_of, settled
from proxy.registry.endpoints import check_endpoint
from proxy.registry.mediator_secrets import field_for, tls_for
from proxy.registry.rewriting import Rewrite, rewrite_of

#: A route as it is stored: JSON; its credentials with `sealed` in place of the secret.
Stored = dict[str, Any]

_STATUSES = re.compile(r"[1-5](?:[0-9]{2}|xx|\*\*)")


@dataclass(frozen=True, slots=True)
class SecondaryRoute:
    """A route as the hot path needs it; `accepts` says which statuses are no errors."""

    name: str
    endpoint: Endpoint
    wait: bool
    accepts: Callable[[int], bool] = field(repr=False)
    timeout_s: float
    total_timeout_s: float
    rewrite: Rewrite | None = None
    forward_authorization: bool = False
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    async_passthrough: bool = False
    addresses: re.Pattern[bytes] | None = None


def stored_routes(
    sealer: Sealer,
    channel: Channel,
    given: Sequence[Mapping[str, Any]],
    mediators: Mapping[str, Mediator],
) -> list[Stored]:
    """The routes as they are kept; `mediators` are those that exist, by id. Raises Invalid."""
    before = {route["name"]: route for route in channel.routes or ()}
    if len({route["name"] for route in given}) < len(given):
        raise invalid(_("Each route needs a name of its own"))
    return [
        _stored(sealer, channel.id, route, before.get(route["name"]), mediators) for route in given
    ]


def _stored(
    sealer: Sealer,
    channel_id: uuid.UUID,
    route: Mapping[str, Any],
    before: Stored | None,
    mediators: Mapping[str, Mediator],
) -> Stored:
    mediator_id = route["mediator_id"] and str(route["mediator_id"])
    if bool(route["url"]) == bool(mediator_id):
        raise invalid(_("%(name)s: a route has a url or a mediator_id", name=route["name"]))
    if mediator_id and mediator_id not in mediators:
        raise invalid(_("%(name)s: no such mediator", name=route["name"]))
    url = mediators[mediator_id].endpoint_url if mediator_id else route["url"]
    try:
        scheme = check_endpoint(url)
        rewrite_of(route["rewrite_path"], "")
        rewrite_of("", route["rewrite_expression"])
    except Invalid as exc:
        raise invalid(f"{route['name']}: {exc}") from exc
    if scheme == "tcp":
        raise invalid(_("%(name)s: a route is spoken to over HTTP", name=route["name"]))
    accepted(route["status_check"])
    credentials = _sealed(sealer, channel_id, route, before)
    return {**route, "mediator_id": mediator_id, "credentials": credentials}


def _sealed(
    sealer: Sealer, channel_id: uuid.UUID, route: Mapping[str, Any], before: Stored | None
) -> dict[str, str] | None:
    given, was = route["credentials"], before and before["credentials"]
    if given is None:
        return None
    name = route["name"]
    try:
        secret = _secret(sealer, channel_id, name, was) if was else ""
    except ValueError:  # lost: it is given anew
        secret = ""
    found = settled(given, was, secret, "routes")
    if was and found["secret"] == secret:  # a version of the channel would seem to change it
        return {"kind": found["kind"], "name": found["name"], "sealed": was["sealed"]}
    sealed = sealer.seal_secret(_context(channel_id, name), {"secret": found.pop("secret")})
    return {**found, "sealed": base64.b64encode(sealed).decode()}


def opened_routes(sealer: Sealer, channel_id: uuid.UUID, stored: Sequence[Stored]) -> list[Stored]:
    """Stored routes as they were given, with their secrets. Raises Invalid where one is lost."""
    return [_opened(sealer, channel_id, route) for route in stored]


def _opened(sealer: Sealer, channel_id: uuid.UUID, route: Stored) -> Stored:
    kept = route["credentials"]
    if kept is None:
        return route
    try:
        secret = _secret(sealer, channel_id, route["name"], kept)
    except ValueError as exc:
        raise invalid(str(exc)) from exc
    return {**route, "credentials": {"kind": kept["kind"], "name": kept["name"], "secret": secret}}


def compiled_routes(
    sealer: Sealer,
    channel: Channel,
    mediators: Mapping[str, Mediator],
    timeout_s: float,
    total_timeout_s: float,
) -> tuple[SecondaryRoute, ...]:
    """The routes that are in use. Raises ValueError."""
    return tuple(
        _compiled(sealer, channel.id, route, mediators, timeout_s, total_timeout_s)
        for route in channel.routes
        if route["is_active"]
    )


def _compiled(
    sealer: Sealer,
    channel_id: uuid.UUID,
    route: Stored,
    mediators: Mapping[str, Mediator],
    timeout_s: float,
    total_timeout_s: float,
) -> SecondaryRoute:
    name, tls, credentials = route["name"], None, route["credentials"]
    url, shown = route["url"], None
    if route["mediator_id"]:
        mediator = mediators.get(route["mediator_id"])
        if mediator is None:
            raise ValueError(f"the mediator of its route {name} is gone")
        url, tls = mediator.endpoint_url, tls_for(sealer, mediator)
        shown = field_for(sealer, mediator)
    if credentials is not None:
        secret = _secret(sealer, channel_id, name, credentials)
        shown = field_of({**credentials, "secret": secret})
    return SecondaryRoute(
        name=name,
        endpoint=Endpoint.parse(url, tls),
        wait=route["wait"],
        accepts=accepted(route["status_check"]),
        timeout_s=timeout_s,
        total_timeout_s=total_timeout_s,
        rewrite=rewrite_of(route["rewrite_path"], route["rewrite_expression"]),
        forward_authorization=route["forward_authorization"],
        credentials=shown,
    )


def accepted(text: str) -> Callable[[int], bool]:
    """What `2xx, 404` accepts; blank: every status. Raises Invalid."""
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    for part in parts:
        if not _STATUSES.fullmatch(part):
            raise invalid(_("A status check is like 2xx, 404"))
    whole = frozenset(int(part) for part in parts if part.isdigit())
    classes = frozenset(int(part[0]) for part in parts if not part.isdigit())
    return lambda status: not parts or status in whole or status // 100 in classes


def invalid(reason: str) -> Invalid:
    """What is wrong with a channel's routes."""
    return Invalid(f"routes: {reason}", {"routes": [reason]})


def _secret(
    sealer: Sealer, channel_id: uuid.UUID, name: str, credentials: Mapping[str, str]
) -> str:
    sealed = base64.b64decode(credentials["sealed"])
    found = sealer.open_secret(_context(channel_id, name), sealed)
    if found is None:
        raise ValueError(f"the key that the credentials of its route {name} lay under is gone")
    return found["secret"]


def _context(channel_id: uuid.UUID, name: str) -> bytes:
    return b"route " + channel_id.bytes + name.encode()
