"""A channel's secondary routes get a call, too: each once, beside the primary, and on record."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from common.http.answer import Answer
from common.http.outcomes import NotSent, OutboundError
from common.logs import get_logger

from proxy.gateway.call import WHOLE_BYTES, Body, Call
from proxy.gateway.forward import Forwarder, target_of
from proxy.gateway.headers import forwarded_headers
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.sent_routes import RouteOutcome, SentRoutes
from proxy.record.headers import recorded_headers
from proxy.record.masks import MASK, masked_path, masked_query
from proxy.record.rows import Storing, storable
from proxy.registry.secondary_routes import SecondaryRoute

log = get_logger(__name__)

#: More of a route's answer is not read.
MAX_BYTES = 16 * 1024 * 1024
NO_ANSWER = 502
UNKNOWN = "{}, outcome unknown"


def start_routes(
    forwarder: Forwarder,
    call: Call,
    body: Body,
    routes: Sequence[SecondaryRoute],
    storing: Storing,
) -> SentRoutes:
    """Send the call on all `routes`; its body is whole."""
    loop = asyncio.get_running_loop()
    waited: list[asyncio.Task[RouteOutcome]] = []
    others: list[asyncio.Task[RouteOutcome]] = []
    for part, route in enumerate(routes, start=1):
        task = loop.create_task(_send(forwarder, call, body, route, part, storing))
        (waited if route.wait else others).append(task)
    return SentRoutes(waited, others)


async def _send(
    forwarder: Forwarder, call: Call, body: Body, route: SecondaryRoute, part: int, storing: Storing
) -> RouteOutcome:
    step: dict[str, Any] = {"name": route.name, "group": "secondary route"}
    try:
        step["request"] = await _request(call, body, route, storing)
        answer = await forwarder.ask(call, body, route)
        head, total = await _read(answer)
        step["response"] = await _response(answer, head, total, storing)
    except (OutboundError, RejectedCall) as exc:
        is_sure = isinstance(exc, NotSent | RejectedCall)
        step["error"] = {"message": storable(str(exc) if is_sure else UNKNOWN.format(exc), 2048)}
        return RouteOutcome(part, NO_ANSWER, step)
    except Exception:  # a route must not break the call that it belongs to
        log.exception("route_broke", route=route.name)
        step["error"] = {"message": UNKNOWN.format("something went wrong on our side")}
        return RouteOutcome(part, NO_ANSWER, step)
    status = answer.status if route.accepts(answer.status) else max(answer.status, 500)
    return RouteOutcome(part, status, step)


async def _read(answer: Answer) -> tuple[bytes, int]:
    """The beginning of the body, and how long it is; one without end is left."""
    pieces, kept, total = [], 0, 0
    while piece := await answer.read():
        total += len(piece)
        if kept < WHOLE_BYTES:
            pieces.append(piece)
            kept += len(piece)
        if total > MAX_BYTES:
            answer.abandon()
            break
    return b"".join(pieces), total


async def _request(
    call: Call, body: Body, route: SecondaryRoute, storing: Storing
) -> dict[str, Any]:
    path, _, query = target_of(call, route).partition("?")
    headers = forwarded_headers(call.headers, is_async=True)
    if route.credentials is not None:
        headers.append((route.credentials[0], MASK))
    kept = await storing.request_copy(headers, body.head, len(body.head))
    return {
        "host": route.endpoint.host,
        "port": route.endpoint.port,
        "method": call.method,
        "path": masked_path(path),
        **({"querystring": masked_query(query)} if query else {}),
        "headers": recorded_headers(headers),
        **({"body": kept} if kept else {}),
        "timestamp": _now_ms(),
    }


async def _response(answer: Answer, head: bytes, total: int, storing: Storing) -> dict[str, Any]:
    kept = await storing.response_copy(answer.headers, head, total)
    return {
        "status": answer.status,
        "headers": recorded_headers(answer.headers),
        **({"body": kept} if kept else {}),
        "timestamp": _now_ms(),
    }


def _now_ms() -> int:
    return int(time.time() * 1000)
