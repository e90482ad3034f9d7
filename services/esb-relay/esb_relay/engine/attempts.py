"""The tries at one exchange: each with a token, each judged by itself."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from common.upstream import BrokenOff, TimedOut, Unreachable
from sqlalchemy.exc import SQLAlchemyError

from esb_relay.engine.client import EngineClient
from esb_relay.engine.grants import TokenTrouble
from esb_relay.engine.outcomes import Outcome, not_sent, unknown
from esb_relay.engine.token_row import Token
from esb_relay.engine.tokens import EsbTokens
from esb_relay.exchange_log import Beginning, ms_since
from esb_relay.keys import PublicKey

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
    count: int = 0
    engine_ms: float | None = None
    _token: Token | None = field(default=None, repr=False)
    _refused: Token | None = field(default=None, repr=False)

    def once(self) -> Outcome:
        """Send; the first time that the engine refuses our token, send again with another."""
        outcome = self._send()
        if outcome.wants_token and self._refused is None:
            self._refused, self._token = self._token, None
            return self._send()
        return outcome

    def _send(self) -> Outcome:
        try:
            token = self._token = self._token or self._fresh_token()
        except TokenTrouble as exc:
            return not_sent(str(exc))
        except SQLAlchemyError:
            return not_sent("no token: the database is away")
        self.count += 1
        sent_ns = time.perf_counter_ns()
        try:
            received = self.client.post(
                self.path, self.beginning.envelope, self.beginning.format, token.text
            )
        except Unreachable:
            return not_sent("the engine cannot be reached", is_passing=True)
        except TimedOut:
            return unknown("the engine did not answer in time")
        except BrokenOff as exc:
            return unknown(f"the connection to the engine broke off ({exc})")
        finally:
            self.engine_ms = ms_since(sent_ns)
        return self.judge(received.status, received.body, self.keys)

    def _fresh_token(self) -> Token:
        return self.tokens.renew(self._refused) if self._refused else self.tokens.get()
