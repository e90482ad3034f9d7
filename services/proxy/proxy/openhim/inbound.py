"""Channels of OpenHIM that listen on a port, and those that it polls. Pure.

There such channels ask nobody who they are: their messages and polls are nobody's here, too.
"""

import re
from typing import Any

from common.errors import Invalid
from common.importing.report import LeftOut

from proxy.models import Framing
from proxy.openhim.reading import Document, port_of, text, texts
from proxy.registry.rewriting import NotRewritten, rewrite_of

LISTENERS = frozenset({"tcp", "tls"})
POLLING = "polling"
KINDS = LISTENERS | {POLLING}
#: What OpenHIM asks a mediator for at each due time, unless the route says otherwise.
_POLLED_PATH = "/trigger"
_INTERVAL = re.compile(r"(?:(\d{1,2})|an?|one)? ?(second|minute|hour|day)s?")
_EVERY = {
    "second": ("*/{} * * * * *", 60),
    "minute": ("*/{} * * * *", 60),
    "hour": ("0 */{} * * *", 24),
    "day": ("0 0 * * *", 1),
}


def inbound_of(channel: Document, route: Document, differs: list[str]) -> dict[str, Any]:
    """The fields of a channel that listens, or that is polled, in which it is otherwise than one
    that is called. Raises LeftOut."""
    if text(channel, "type") == POLLING:
        return _polled(channel, differs)
    return _listening(channel, route, differs)


def _listening(channel: Document, route: Document, differs: list[str]) -> dict[str, Any]:
    port = port_of({"port": channel.get("tcpPort")})
    if port is None:
        raise LeftOut("listens on a port that is not said")
    differs.append(f"listens on LISTENER_ADDRESS, port {port}, for frames of MLLP")
    listener = {
        "port": port,
        "framing": Framing.MLLP_AS_IT_IS,
        "tls": text(channel, "type") == "tls",
    }
    return {
        "path_pattern": f"/listeners/{port}",
        "methods": ["POST"],
        "is_public": True,
        "listener": listener,
        "rewrite_path": _asked_for(route),
        "rewrite_expression": "",
    }


def _asked_for(route: Document) -> str:
    """The path that a message goes to: what becomes of `/`."""
    try:
        rewrite = rewrite_of(text(route, "path"), text(route, "pathTransform"))
        return rewrite("/") if rewrite is not None else "/"
    except (Invalid, NotRewritten) as exc:
        raise LeftOut(f"has a route whose path cannot be read: {exc}") from exc


def _polled(channel: Document, differs: list[str]) -> dict[str, Any]:
    schedule = _schedule(text(channel, "pollingSchedule"), differs)
    differs.append("its schedule is read in UTC: set time_zone")
    if texts(channel, "whitelist"):
        differs.append("without its whitelist: a poll comes from no address")
    return {
        "path_pattern": _POLLED_PATH,
        "methods": ["GET"],
        "is_public": True,
        "allowed_addresses": [],
        "polling": {"schedule": schedule, "time_zone": "UTC"},
    }


def _schedule(said: str, differs: list[str]) -> str:
    """A cron expression; of intervals in words those that one can say. Raises LeftOut."""
    if not said:
        raise LeftOut("is polled on a schedule that is not said")
    found = _INTERVAL.fullmatch(" ".join(said.lower().split()))
    if found is None:
        return said
    expression, whole = _EVERY[found[2]]
    every = int(found[1] or 1)
    if not every or whole % every:
        raise LeftOut(f"is polled every {said}, which cron cannot say")
    differs.append(f"its schedule {said!r} is {expression.format(every)!r} here")
    return expression.format(every)


def inbound_document(listener: Document | None, polling: Document | None) -> dict[str, Any]:
    """The kind of a channel, and its port or schedule, in OpenHIM's words."""
    if listener is not None:
        kind = "tls" if listener["tls"] else "tcp"
        return {"type": kind, "tcpHost": "0.0.0.0", "tcpPort": listener["port"]}  # noqa: S104
    if polling is not None:
        return {"type": POLLING, "pollingSchedule": polling["schedule"]}
    return {"type": "http"}
