"""Where OpenHIM's routes lead, and what they show there. Pure."""

import re
from dataclasses import dataclass, field

from common.importing.report import LeftOut

from proxy.openhim.reading import Document, flag, listed, port_of, text

#: Types of routes whose host is written to without HTTP.
_OVER_TCP = frozenset({"tcp", "mllp"})
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True)
class Target:
    """Where a route leads."""

    url: str
    name: str
    credentials: dict[str, str] | None = field(default=None, repr=False)


def primary_route(channel: Document) -> Document:
    """The route whose answer the caller gets: the one that says so, else the first.

    Raises LeftOut.
    """
    routes = enabled_routes(channel)
    if not routes:
        raise LeftOut("has no route that is enabled")
    return next((one for one in routes if flag(one, "primary")), routes[0])


def endpoint_of(route: Document) -> str:
    """The URL of a route's or an endpoint's host, without its path. Raises LeftOut."""
    kind = text(route, "type") or "http"
    if kind not in {"http", *_OVER_TCP}:
        raise LeftOut(f"leads to a route of type {kind[:20]}")
    is_secure = flag(route, "secured")
    scheme = "tcp" if kind in _OVER_TCP else "https" if is_secure else "http"
    host = text(route, "host")
    if not _HOST.fullmatch(host):
        raise LeftOut("has a route whose host is none" if host else "has a route without a host")
    shown = f"[{host}]" if ":" in host else host
    port = port_of(route)
    if scheme == "tcp" and (is_secure or port is None):
        raise LeftOut("leads to a port over TCP that is not said, or over TLS")
    return f"{scheme}://{shown}:{port or (443 if is_secure else 80)}"


def credentials_of(route: Document) -> dict[str, str] | None:
    """What a route shows to its host, with both a user and a password; None: nothing."""
    user, password = text(route, "username"), text(route, "password")
    return {"kind": "basic", "name": user, "secret": password} if user and password else None


def enabled_routes(channel: Document) -> list[Document]:
    """The routes that are switched on."""
    routes = [one for one in listed(channel, "routes") if isinstance(one, dict)]
    return [one for one in routes if text(one, "status") in {"", "enabled"}]
