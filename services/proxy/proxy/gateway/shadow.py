"""Copies of calls to another hub, whose answers are compared with ours.

Nobody waits for a copy, and none delays or fails a call: only so many are under way at a time, each
for so long, and what does not fit is left out. The other hub gets the call as the client made it,
its credentials with it, for it asks for them as well.
"""

import asyncio

from common.http.answer import Limits
from common.http.endpoint import Endpoint
from common.http.outcomes import ClosedUnanswered, OutboundError
from common.http.pool import Pool
from common.http.replies import Reply
from common.logs import get_logger
from common.outbound import OutboundRules
from prometheus_client import Counter

from proxy.access.call_grants import PREFIX as GRANT
from proxy.gateway.admitted import Admitted, wants_async
from proxy.gateway.call import Call
from proxy.gateway.headers import forwarded_headers, request_head
from proxy.gateway.rejections import Unreadable
from proxy.gateway.routing_table import Shadowing
from proxy.models import Difference
from proxy.record.comparing import MAX_COMPARED_BYTES, Compared, HubAnswer, compare
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.sealing import Sealer
from proxy.record.shadow_differences import difference_row
from proxy.record.writer import Writer

log = get_logger(__name__)

#: RFC 9110 §9.2.1: asking twice changes nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Copies under way at a time in a process; further ones are left out.
MOST_COPIES = 32
LIMITS = Limits(10.0, 20.0)
#: What a copy carries: such a call is not copied again, so that no two hubs copy for ever.
COPY_HEADER = "X-Shadow-Copy-Of"
_CREDENTIALS = ("Authorization", "X-Client-Id", "X-Client-Secret")

COPIES = Counter(
    "kiungo_shadow_copies",
    "Copies of calls to another hub, by what came of them",
    ["outcome"],
)


class Shadows:
    """Sends copies and keeps what differs."""

    def __init__(
        self, connect_timeout_s: float, rules: OutboundRules, writer: Writer, sealer: Sealer
    ) -> None:
        self._pool = Pool(connect_timeout_s, rules)
        self._sealer = sealer
        self._writer = writer
        self._in_flight: set[asyncio.Task[None]] = set()
        #: One comparison at a time: they share the processor with calls.
        self._comparing = asyncio.Semaphore(1)

    def copy(self, admitted: Admitted, shadowing: Shadowing, reply: Reply) -> None:
        """Copy a call that was answered with `reply`, soon; returns at once."""
        if not _is_copied(admitted, shadowing):
            return
        if len(self._in_flight) >= MOST_COPIES:
            COPIES.labels("left out").inc()
            return
        body = reply.body if isinstance(reply.body, bytes) else None
        ours = HubAnswer(reply.status, reply.headers, body)
        task = asyncio.get_running_loop().create_task(self._compare(admitted, shadowing, ours))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._in_flight:
            task.cancel()
        self._pool.close()

    async def _compare(self, admitted: Admitted, shadowing: Shadowing, ours: HubAnswer) -> None:
        theirs, compared = None, None
        try:
            theirs = await self._ask(admitted, shadowing.endpoint)
            compared = await self._compared(ours, theirs)
        except OutboundError as exc:
            compared = Compared(Difference.UNANSWERED, [], str(exc))
        except Unreadable:  # a head that cannot be passed on; our own answer said so
            return
        except Exception:
            log.exception("copy_broke")
            return
        COPIES.labels(compared.difference.value if compared else "same").inc()
        if compared is not None:
            channel = admitted.channel_name or ""
            client = admitted.client.client_id
            row = difference_row(admitted.call, channel, client, ours, theirs, compared)
            self._writer.differ(self._sealer.seal_difference(row))

    async def _compared(self, ours: HubAnswer, theirs: HubAnswer) -> Compared | None:
        size = len(ours.body or b"") + len(theirs.body or b"")
        async with self._comparing:
            return await heavy_bodies.ask(size, compare, ours, theirs)

    async def _ask(self, admitted: Admitted, endpoint: Endpoint) -> HubAnswer:
        """The other hub's answer. Raises OutboundError, Unreadable."""
        call, body = admitted.call, admitted.body.head
        head = _head(call, endpoint, len(body))
        connection = await self._pool.take(endpoint)
        try:
            answer = await connection.exchange(call.method, head, body, LIMITS)
        except ClosedUnanswered:
            if connection.is_fresh or call.method not in SAFE_METHODS:
                raise
            connection = await self._pool.connect(endpoint)
            answer = await connection.exchange(call.method, head, body, LIMITS)
        return HubAnswer(answer.status, answer.headers, await answer.read_whole(MAX_COMPARED_BYTES))


def _is_copied(admitted: Admitted, shadowing: Shadowing) -> bool:
    """Whether a call is one for the other hub: safe, whole, waited for, made by its client."""
    call = admitted.call
    return (
        (shadowing.is_unsafe or call.method in SAFE_METHODS)
        and admitted.body.is_whole
        and COPY_HEADER not in call.headers
        and not call.headers.get("X-Client-Secret", "").startswith(GRANT)
        and not wants_async(call, admitted.channel)
    )


def _head(call: Call, endpoint: Endpoint, length: int) -> bytes:
    """The call as its client made it. Raises Unreadable."""
    target = endpoint.base_path + call.raw_target
    headers = forwarded_headers(call.headers, is_async=False)
    headers += [(name, call.headers[name]) for name in _CREDENTIALS if name in call.headers]
    headers += [
        ("X-Forwarded-For", call.address),
        ("X-Correlation-Id", call.shown_id),
        (COPY_HEADER, call.shown_id),
    ]
    return request_head(call.method, target, endpoint.authority, headers, length)
