"""One exchange with the engine: on record, sent, judged, on record again."""

import asyncio
from datetime import timedelta

from common.clock import utc_now
from common.db.group_commit import WriteFailed
from common.db.sealed_texts import TextSealer
from common.logs import get_logger

from esb_relay.config import Settings
from esb_relay.engine.attempts import Attempts, Judge
from esb_relay.engine.client import EngineClient
from esb_relay.engine.exchange_log import Act, Beginning, ExchangeWriter, ended_row, started_row
from esb_relay.engine.judging import judge
from esb_relay.engine.outcomes import Outcome, about_a_push
from esb_relay.engine.repeating import next_try
from esb_relay.engine.tokens import EsbTokens
from esb_relay.errors import MissingSetting, NotRecorded
from esb_relay.keys.keyring import Keyring
from esb_relay.models import ExchangeMode
from esb_relay.models.sealed import EXCHANGE_TEXTS

log = get_logger(__name__)


class Exchanger:
    """Makes exchanges. Each is committed before it leaves and when it has ended."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        tokens: EsbTokens,
        writer: ExchangeWriter,
        texts: TextSealer,
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._tokens = tokens
        self._writer = writer
        self._texts = texts
        self._client: EngineClient | None = None

    async def exchange(
        self, beginning: Beginning, path: str, judge_answer: Judge = judge
    ) -> Outcome:
        """Post `beginning`'s envelope to the engine's `path`; every end is an outcome.

        Raises MissingSetting and KeyProblem before anything is on record, NotRecorded.
        """
        self._tokens.check_settings()
        client, keys = self._engine(), self._keyring.esb_keys()
        await self._begin(beginning)
        send_before = beginning.send_before or beginning.started_at + self._longest()
        attempts = Attempts(client, self._tokens, keys, judge_answer, beginning, path, send_before)
        outcome = await self._persist(attempts)
        if beginning.mode is ExchangeMode.PUSH:
            outcome = about_a_push(outcome)
        await self._end(beginning, outcome, attempts)
        return outcome

    async def close(self) -> None:
        """End the log's writer and close the connections that rest."""
        await self._writer.close()
        self._tokens.close()
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _persist(self, attempts: Attempts) -> Outcome:
        """Try until there is an outcome that another try would not change, or must not."""
        beginning = attempts.beginning
        deadline = beginning.started_at + timedelta(seconds=self._settings.read_timeout_s)
        tries = 1
        outcome = await attempts.once()
        while moment := next_try(
            beginning.mode,
            outcome,
            attempts=tries,
            max_attempts=self._settings.max_attempts,
            now=utc_now(),
            deadline=deadline,
        ):
            await asyncio.sleep(max(0.0, (moment - utc_now()).total_seconds()))
            tries += 1
            outcome = await attempts.once()
        return outcome

    def _longest(self) -> timedelta:
        """What leaves later than this after it was asked for, nobody waits for any more."""
        settings = self._settings
        return timedelta(seconds=settings.connect_timeout_s + 2 * settings.read_timeout_s)

    def _engine(self) -> EngineClient:
        if self._settings.engine_url is None:
            raise MissingSetting("GOVESB_ENGINE_URL")
        if self._client is None:
            self._client = EngineClient(
                self._settings.engine_url,
                connect_timeout_s=self._settings.connect_timeout_s,
                read_timeout_s=self._settings.read_timeout_s,
            )
        return self._client

    async def _begin(self, beginning: Beginning) -> None:
        row = started_row(beginning, store_bodies=self._settings.store_bodies)
        EXCHANGE_TEXTS.seal_row(self._texts, row)
        try:
            await self._writer.write({Act.START: row})
        except WriteFailed as exc:
            raise NotRecorded("The exchange cannot be recorded now; nothing was sent") from exc

    async def _end(self, beginning: Beginning, outcome: Outcome, attempts: Attempts) -> None:
        row = ended_row(
            beginning,
            outcome,
            attempts=attempts.count,
            engine_ms=attempts.engine_ms,
            store_bodies=self._settings.store_bodies,
        )
        EXCHANGE_TEXTS.seal_row(self._texts, row, beginning.id)
        try:
            await self._writer.write({Act.END: row})
        except WriteFailed as exc:
            log.error("end_not_recorded", exchange_id=str(beginning.id), status=outcome.status)
            self._writer.write_late({Act.END: row})
            raise NotRecorded(
                f"The exchange {beginning.id} was made, but its end cannot be recorded now"
            ) from exc
