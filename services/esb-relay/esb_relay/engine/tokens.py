"""The access token of every request to the engine: kept, shared, renewed by one caller."""

import asyncio
import time
from datetime import timedelta

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.logs import get_logger

from esb_relay.config import Settings
from esb_relay.engine.grants import TokenTrouble
from esb_relay.engine.token_row import Lease, Token, TokenRow, look_again
from esb_relay.engine.token_seal import TokenSeal, account_name
from esb_relay.engine.token_server import TokenServer

log = get_logger(__name__)

#: How often those look who wait for another process's token.
LOOK_EVERY_S = 0.05
#: A fetch may take this much longer than its time-outs before another process tries.
LEASE_MARGIN_S = 5.0


class EsbTokens:
    """One account's tokens. Its callers in this process wait for one, the processes for one row."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        server: TokenServer,
        reader: Reader,
    ) -> None:
        self._settings = settings
        self._database = database
        self._server = server
        self._reader = reader
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._row: TokenRow | None = None
        self._failures = 0
        self._failure = ""

    def check_settings(self) -> None:
        """Raises MissingSetting that names what a token needs."""
        self._server.account()

    async def get(self) -> Token:
        """A good token. Raises TokenTrouble, MissingSetting."""
        return self._good(0) or await self._wait_for(0)

    async def renew(self, refused: Token) -> Token:
        """Another token than `refused`, which the engine no longer takes."""
        return self._good(refused.version) or await self._wait_for(refused.version)

    def close(self) -> None:
        """Close the connections to the token server that rest."""
        self._server.close()

    def _good(self, stale_version: int) -> Token | None:
        token = self._token
        if token is None or token.version <= stale_version or token.good_until <= utc_now():
            return None
        return token

    async def _wait_for(self, stale_version: int) -> Token:
        """One caller of this process looks and fetches; the others get what comes of it."""
        failures = self._failures
        async with self._lock:
            token = self._good(stale_version)
            if token is not None:
                return token
            if self._failures != failures:
                raise TokenTrouble(self._failure)
            try:
                self._token = token = await self._shared_token(stale_version)
            except TokenTrouble as exc:
                self._failures += 1
                self._failure = str(exc)
                raise
            return token

    async def _shared_token(self, stale_version: int) -> Token:
        row = self._own_row()
        deadline = time.monotonic() + 2 * self._longest_fetch_s()
        while time.monotonic() < deadline:
            found = await self._reader.run(lambda: look_again(row, stale_version))
            if isinstance(found, Token):
                return found
            if isinstance(found, Lease):
                return await self._fetch(row, found)
            await asyncio.sleep(LOOK_EVERY_S)
        raise TokenTrouble("no token: another process did not come back with one in time")

    async def _fetch(self, row: TokenRow, lease: Lease) -> Token:
        try:
            grant = await self._server.fetch()
        except TokenTrouble:
            await self._reader.run(lambda: row.release(lease))
            raise
        token = await self._reader.run(lambda: row.store(lease, grant))
        log.info("esb_token_fetched", version=token.version, life_s=grant.life_s)
        return token

    def _own_row(self) -> TokenRow:
        if self._row is None:
            url, client_id, secret = self._server.account()
            name = account_name(url, client_id, self._settings.grant_type)
            lease = timedelta(seconds=self._longest_fetch_s())
            seal = TokenSeal(self._settings.seal_keys_folder, secret)
            self._row = TokenRow(self._database, name, seal, lease)
        return self._row

    def _longest_fetch_s(self) -> float:
        settings = self._settings
        return settings.connect_timeout_s + settings.read_timeout_s + LEASE_MARGIN_S
