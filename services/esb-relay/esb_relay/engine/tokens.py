"""The access token of every request to the engine: kept, shared, renewed by one caller."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.database import Database
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
        *,
        offload: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._settings = settings
        self._database = database
        self._server = server
        self._offload = offload
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._row: TokenRow | None = None
        self._failures = 0
        self._failure = ""

    def check_settings(self) -> None:
        """Raises MissingSetting that names what a token needs."""
        self._server.account()

    def get(self) -> Token:
        """A good token. Raises TokenTrouble, MissingSetting."""
        return self._good(0) or self._wait_for(0)

    def renew(self, refused: Token) -> Token:
        """Another token than `refused`, which the engine no longer takes."""
        return self._good(refused.version) or self._wait_for(refused.version)

    def _good(self, stale_version: int) -> Token | None:
        token = self._token
        if token is None or token.version <= stale_version or token.good_until <= utc_now():
            return None
        return token

    def _wait_for(self, stale_version: int) -> Token:
        """One caller of this process looks and fetches; the others get what comes of it."""
        failures = self._failures
        with self._lock:
            token = self._good(stale_version)
            if token is not None:
                return token
            if self._failures != failures:
                raise TokenTrouble(self._failure)
            try:
                self._token = token = self._shared_token(stale_version)
            except TokenTrouble as exc:
                self._failures += 1
                self._failure = str(exc)
                raise
            return token

    def _shared_token(self, stale_version: int) -> Token:
        row = self._own_row()
        deadline = time.monotonic() + 2 * self._longest_fetch_s()
        while time.monotonic() < deadline:
            found = self._offload(lambda: look_again(row, stale_version))
            if isinstance(found, Token):
                return found
            if isinstance(found, Lease):
                return self._fetch(row, found)
            time.sleep(LOOK_EVERY_S)
        raise TokenTrouble("no token: another process did not come back with one in time")

    def _fetch(self, row: TokenRow, lease: Lease) -> Token:
        try:
            grant = self._server.fetch()
        except TokenTrouble:
            self._offload(lambda: row.release(lease))
            raise
        token: Token = self._offload(lambda: row.store(lease, grant))
        log.info("esb_token_fetched", version=token.version, life_s=grant.life_s)
        return token

    def _own_row(self) -> TokenRow:
        if self._row is None:
            url, client_id, secret = self._server.account()
            name = account_name(url, client_id, self._settings.grant_type)
            lease = timedelta(seconds=self._longest_fetch_s())
            self._row = TokenRow(self._database, name, TokenSeal(secret), lease)
        return self._row

    def _longest_fetch_s(self) -> float:
        settings = self._settings
        return settings.connect_timeout_s + settings.read_timeout_s + LEASE_MARGIN_S
