"""The tries at one exchange: each with a token, each judged by itself."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.clock import utc_now
from common.http.outcomes import NotSent, OutcomeUnknown, TimedOut
from sqlalchemy.exc import SQLAlchemyError

from esb_relay.engine.client import MAX_ANSWER_BYTES, EngineClient, Received
from esb_relay.engine.decoding import Undecodable, decoded
from esb_relay.engine.exchange_log import Beginning, ms_since
from esb_relay.engine.grants import TokenTrouble
from esb_relay.engine.judging import undecodable
from esb_relay.engine.off_the_loop import off_the_loop
from esb_relay.engine.outcomes import Outcome, not_sent, unknown
from esb_relay.engine.token_row import Token
from esb_relay.engine.tokens import EsbTokens
from esb_relay.keys.pairs import PublicKey

Judge = Callable[[int, bytes, Sequence[PublicKey]], Outcome]


@dataclass(slots=True)
class Attempts:
    """Sends `beginning`'s envelope to `path`, once per call of `once`."""

    client: EngineClient
    tokens: EsbTokens
    keys: Sequence[PublicKey]
    judge: Judge
    beginning: Beginning
    path: str
    send_before: datetime
    count: int = 0
    engine_ms: float | None = None
    _token: Token | None = field(default=None, repr=False)
    _refused: Token | None = field(default=None, repr=False)

    async def once(self) -> Outcome:
        """Send; the first time that the engine refuses our token, send again with another."""
        outcome = await self._send()
        if outcome.wants_token and self._refused is None:
            self._refused, self._token = self._token, None
            return await self._send()
        return outcome

    async def _send(self) -> Outcome:
        try:
            token = self._token = self._token or await self._fresh_token()
        except TokenTrouble as exc:
            return not_sent(str(exc))
        except (SQLAlchemyError, TimeoutError):
            return not_sent("no token: the database is away")
        if utc_now() >= self.send_before:
            return not_sent("it is too late to send it: this process stood still or waited long")
        self.count += 1
        sent_ns = time.perf_counter_ns()
        try:
            received = await self.client.post(
                self.path, self.beginning.envelope, self.beginning.format, token.text
            )
        except NotSent:
            return not_sent("the engine cannot be reached", is_passing=True)
        except TimedOut:
            return unknown("the engine did not answer in time")
        except OutcomeUnknown as exc:
            return unknown(f"the engine did not answer properly: {exc}")
        finally:
            self.engine_ms = ms_since(sent_ns)
        return await off_the_loop(received.work_bytes, lambda: self._judged(received))

    def _judged(self, received: Received) -> Outcome:
        try:
            body = decoded(received.body, received.coding, MAX_ANSWER_BYTES)
        except Undecodable as exc:
            return undecodable(received.status, received.body, str(exc))
        return self.judge(received.status, body, self.keys)

    async def _fresh_token(self) -> Token:
        return await (self.tokens.renew(self._refused) if self._refused else self.tokens.get())
