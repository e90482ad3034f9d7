"""Which calls are let in: who asks, from where, for which channel, on behalf of whom, with what.

`Admission` asks `Callers` and the rules of `channel_choice`: the contract's steps 1–8.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from common.db.reader import Reader
from common.web.json_schemas import broken_in

from proxy.access.secrets import MAX_HASHING
from proxy.container import Container
from proxy.gateway import esb
from proxy.gateway.admitted import Admitted, storing_for
from proxy.gateway.call import Body, Call
from proxy.gateway.callers import Callers, Credentials
from proxy.gateway.channel_choice import (
    check_allowed,
    check_may_act,
    choose_channel,
    find_registration,
    takers_by_type,
)
from proxy.gateway.limits import Limits
from proxy.gateway.rejections import NoChannel, RejectedCall
from proxy.gateway.routing import Routing
from proxy.gateway.routing_table import Registration, RoutedChannel, RoutingTable
from proxy.gateway.secret_checks import SecretThreads
from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, decoded_body
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.rows import Stopwatch, ms_since
from proxy.registry.body_rules import (
    has_schema,
    read_bounded,
    refuse_broken,
    schema_to_ask,
    unpacked_body,
)
from proxy.registry.content_match import BodyRule
from proxy.registry.why_not import nearest

#: Keeps a call that a channel took and whose body it then rejected.
KeepFailed = Callable[[Admitted, RejectedCall], Awaitable[None]]


class Admission:
    """Lets calls in; `keep_failed` is told of those that fail by a rule for bodies."""

    def __init__(
        self,
        container: Container,
        routing: Routing,
        reader: Reader,
        keep_failed: KeepFailed,
    ) -> None:
        self._settings = container.settings
        self._is_pure_esb = container.settings.mediator_mode == "pure_esb"
        self._limits = Limits()
        self._routing = routing
        self._keep_failed = keep_failed
        first = ThreadPoolExecutor(MAX_HASHING, thread_name_prefix="secrets")
        suspected = ThreadPoolExecutor(1, "suspected-secrets")
        self._threads = SecretThreads(first, suspected)
        self.callers = Callers(container, routing, reader, self._threads)

    def close(self) -> None:
        """Let the threads and connections go."""
        self.callers.close()
        for threads in (self._threads.first, self._threads.suspected):
            threads.shutdown(wait=False, cancel_futures=True)

    async def admit(
        self, call: Call, claimed: Credentials | None, channel_name: str | None
    ) -> Admitted:
        """The call with all that is decided of it. Raises RejectedCall.

        With `channel_name` that channel is meant (see `/integration/call`).
        """
        table = self._routing.table()
        client = await self.callers.of(call, claimed, table, channel_name)
        if client.limit is not None:
            call.slot = self._limits.enter(client.client_id, client.limit)
        channel = None
        registrations = table.global_registrations
        body = None
        if not self._is_pure_esb:
            channel, candidate = choose_channel(call, table, self._routing.is_online, channel_name)
            if candidate.content is not None:
                body = await call.read_body(self._settings.request_body_max_bytes)
                channel = await self._by_content(call, body, table, channel_name)
            check_allowed(client, channel, call.address)
            registrations = channel.registrations
            if channel.tell_client:
                call.client_fields = client.fields
        registration = None
        if registrations or self._is_pure_esb:
            registration = find_registration(call, registrations)
            check_may_act(client, registration)
        if body is None:
            body = await call.read_body(self._settings.request_body_max_bytes)
        watch = Stopwatch(call.started_ns)
        admitted = Admitted(
            call, body, client, channel, None, watch, storing_for(self._settings, channel)
        )
        await self._check_rules(admitted, registration)
        watch.match_ms = ms_since(call.started_ns)
        return admitted

    async def _by_content(
        self, call: Call, body: Body, table: RoutingTable, name: str | None
    ) -> RoutedChannel:
        """The first channel whose rule for contents the call meets. Raises NoChannel, and what
        reading a body raises that is too large to be looked into."""
        for one in takers_by_type(call, table, self._routing.is_online, name):
            rule = one.content
            if rule is None or rule.body is None or await self._holds(call, body, rule.body):
                return table.channels[one.id]
        raise NoChannel(nearest(table.index, call.method, call.path, self._routing.is_online))

    async def _holds(self, call: Call, body: Body, rule: BodyRule) -> bool:
        """Whether the unpacked body meets a rule; what cannot be unpacked meets none."""
        limit = self._settings.body_rules_max_bytes
        whole = await read_bounded(body, limit)
        packing = call.headers.get("Content-Encoding", "")
        try:
            data = await _unpacked(packing, lambda: decoded_body(whole, packing, limit))
        except (DecodedTooLarge, NotDecoded, UnknownCoding):
            return False
        return await heavy_bodies.ask(len(data), rule, data)

    async def _check_rules(self, admitted: Admitted, registration: Registration | None) -> None:
        """The rules for the body; what breaks them is kept as a failed call too."""
        call, body, channel = admitted.call, admitted.body, admitted.channel
        try:
            if channel is not None:
                await self._check_body(admitted, channel)
            if registration is not None:
                whole = await read_bounded(body, self._settings.body_rules_max_bytes)
                admitted.esb = esb.plan(call, whole, registration)
        except RejectedCall as rejected:
            if rejected.is_failed_call:
                await self._keep_failed(admitted, rejected)
            raise

    async def _check_body(self, admitted: Admitted, channel: RoutedChannel) -> None:
        """As `body_rules.check_body`, which nobody waits for who has another call."""
        call, body, limit = admitted.call, admitted.body, self._settings.body_rules_max_bytes
        if has_schema(call, channel):
            await read_bounded(body, limit)
        schema = schema_to_ask(call, body, channel)
        if schema is None:
            return
        packing = call.headers.get("Content-Encoding", "")
        data = await _unpacked(packing, lambda: unpacked_body(call, body, limit))
        refuse_broken(await heavy_bodies.ask(len(data), broken_in, schema, data))


async def _unpacked(packing: str, unpack: Callable[[], bytes]) -> bytes:
    """A body without its codings; in a thread, for how much is packed in nobody knows."""
    return await asyncio.to_thread(unpack) if packing else unpack()
