"""A call of the bus, from its bytes to the signed answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.logs import get_logger
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from esb_relay.callbacks.answers import signed_answer
from esb_relay.callbacks.arriving import (
    VerifiedCall,
    beginning_of,
    body_of,
    event_data,
    may_repeat,
    outcome_of,
    status_of,
    trouble_with,
)
from esb_relay.callbacks.inbox import ActedOn, Answered, Arrival, Busy, Inbox, Mine
from esb_relay.callbacks.results import INTERRUPTED, NotAsked, Result
from esb_relay.callbacks.targets import TargetCall, Targets
from esb_relay.config import Settings
from esb_relay.engine.exchange_log import Beginning
from esb_relay.engine.off_the_loop import off_the_loop
from esb_relay.errors import BadSignature, MalformedEnvelope, NotRecorded
from esb_relay.keys.keyring import Keyring
from esb_relay.models import CallbackRoute, ExchangeStatus, TargetKind
from esb_relay.wire.envelope import Envelope, read_envelope
from esb_relay.wire.incoming import Call, read_call
from esb_relay.wire.signature import Verified, verify
from esb_relay.wire.terms import Format

log = get_logger(__name__)

#: How often a delivery looks that waits for another one's answer.
LOOK_EVERY_S = 0.1

IN_HAND = Result(False, "the request is being carried out; ask again later")


@dataclass(frozen=True, slots=True)
class Reply:
    """A signed answer and the format it is written in."""

    envelope: bytes
    format: Format


class Receiver:
    """Takes calls from the bus."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        targets: Targets,
        reader: Reader,
        wake_up: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._targets = targets
        self._reader = reader
        self._wake_up = wake_up
        longest_s = settings.connect_timeout_s + settings.callback_timeout_s + 5
        self.inbox = Inbox(
            database,
            longest_s,
            max_age_s=settings.envelope_max_age_s,
            store_bodies=settings.store_bodies,
        )

    async def receive(self, route_name: str, raw: bytes, correlation_id: str) -> Reply:
        """Answer a call; whatever is an envelope gets a signed answer.

        Raises MalformedEnvelope for what is none, MissingSetting, KeyProblem.
        """
        envelope = await off_the_loop(len(raw), lambda: read_envelope(raw))
        self._keyring.private_key()
        try:
            verified, call = await off_the_loop(len(raw), lambda: self._verified(envelope))
        except (BadSignature, MalformedEnvelope) as exc:
            log.warning("callback_refused", route=route_name[:100], reason=str(exc))
            return self._reply(Result(False, f"the request is refused: {exc}"), envelope.format)
        received = VerifiedCall(raw, envelope, call, verified)
        route = await self._reader.run(lambda: self._route(route_name))
        beginning = beginning_of(received, route_name, route, correlation_id)
        trouble = trouble_with(call, route)
        if route is None or trouble:
            return await self._refuse(received, beginning, trouble)
        body = await off_the_loop(len(raw), lambda: body_of(call))
        target_call = TargetCall(route.name, call.request_id or "", call.api_code, body)
        arrival = Arrival(target_call, beginning, verified.digest)
        if route.is_async or route.target_kind is TargetKind.QUEUE:
            return await self._accept(received, arrival, route)
        return await self._run(received, arrival, route)

    def _verified(self, envelope: Envelope) -> tuple[Verified, Call]:
        return verify(envelope, self._keyring.esb_keys()), read_call(envelope)

    async def _refuse(self, received: VerifiedCall, beginning: Beginning, reason: str) -> Reply:
        reply = self._reply(Result(False, reason), received.envelope.format)
        outcome = outcome_of(ExchangeStatus.REFUSED, received, reply.envelope, reason)
        await self._reader.run(lambda: self.inbox.refuse(beginning, outcome))
        return reply

    async def _accept(
        self, received: VerifiedCall, arrival: Arrival, route: CallbackRoute
    ) -> Reply:
        """Answer at once; a worker asks the target, or publishes the event."""
        format_ = received.envelope.format
        reply = self._reply(Result(True), format_)
        outcome = outcome_of(ExchangeStatus.SUCCEEDED, received, reply.envelope, None)
        queue = route.target if route.target_kind is TargetKind.QUEUE else None
        data = event_data(arrival.call, route)
        found = await self._reader.run(
            lambda: self.inbox.accept(arrival, reply.envelope, outcome, queue=queue, data=data)
        )
        if isinstance(found, ActedOn):
            return await self._refuse(received, arrival.beginning, found.reason)
        if isinstance(found, Busy):
            return await self._await_answer(arrival.call, format_)
        self._wake_up()
        return Reply(found.answer, format_)

    async def _run(self, received: VerifiedCall, arrival: Arrival, route: CallbackRoute) -> Reply:
        """Ask the target now, unless an earlier delivery did."""
        format_ = received.envelope.format
        found = await self._reader.run(lambda: self.inbox.take(arrival))
        if isinstance(found, ActedOn):
            return await self._refuse(received, arrival.beginning, found.reason)
        if isinstance(found, Answered):
            log.info("callback_repeated", route=route.name, request_id=arrival.call.request_id)
            return Reply(found.answer, format_)
        if isinstance(found, Busy):
            return await self._await_answer(arrival.call, format_)
        mine: Mine = found
        try:
            result = await self._ask(mine, route, arrival.call)
        except NotAsked as exc:
            return await self._give_up(received, arrival, mine, str(exc))
        reply = self._reply(result, format_)
        outcome = outcome_of(status_of(result), received, reply.envelope, result.message or None)
        try:
            ended = await self._reader.run(
                lambda: self.inbox.finish(mine, arrival, reply.envelope, outcome)
            )
        except (SQLAlchemyError, TimeoutError) as exc:
            raise NotRecorded("The target was asked; its answer cannot be recorded now") from exc
        if isinstance(ended, Busy):
            return await self._await_answer(arrival.call, format_)
        return Reply(ended.answer, format_)

    async def _ask(self, mine: Mine, route: CallbackRoute, call: TargetCall) -> Result:
        if mine.may_have_run and not may_repeat(route):
            return Result(False, INTERRUPTED, is_unknown=True)
        if utc_now() >= mine.until:
            raise NotAsked("this process stood still; the request may be in other hands by now")
        return await self._targets.ask(route, call)

    async def _give_up(
        self, received: VerifiedCall, arrival: Arrival, mine: Mine, reason: str
    ) -> Reply:
        reply = self._reply(Result(False, reason), received.envelope.format)
        outcome = outcome_of(ExchangeStatus.NOT_SENT, received, reply.envelope, reason)
        stood = await self._reader.run(lambda: self.inbox.forget(mine, arrival, outcome))
        if not stood:
            return await self._await_answer(arrival.call, received.envelope.format)
        log.warning("callback_target_not_asked", route=arrival.call.route, reason=reason)
        return reply

    async def _await_answer(self, call: TargetCall, format_: Format) -> Reply:
        """Another delivery is at it: its answer is this one's as well."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.callback_timeout_s
        while loop.time() < deadline:
            answer = await self._reader.run(lambda: self.inbox.answer_to(call))
            if answer is not None:
                return Reply(answer, format_)
            await asyncio.sleep(LOOK_EVERY_S)
        return self._reply(IN_HAND, format_)

    def _reply(self, result: Result, format_: Format) -> Reply:
        return Reply(signed_answer(result, format_, self._keyring), format_)

    def _route(self, name: str) -> CallbackRoute | None:
        with self._database.reading() as session:
            return session.scalar(select(CallbackRoute).where(CallbackRoute.name == name))
