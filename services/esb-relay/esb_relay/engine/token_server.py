"""GovESB's token server: client credentials in, an access token out."""

import base64
from urllib.parse import urlencode

from common.http.async_client import AsyncHttpClient
from common.http.outcomes import OutboundError, Timeouts

from esb_relay.config import Settings
from esb_relay.engine.grants import Grant, TokenTrouble, read_grant
from esb_relay.errors import MissingSetting

#: An answer with a token is short.
MAX_ANSWER_BYTES = 1024 * 1024


class TokenServer:
    """Asks for tokens over HTTP."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        limits = Timeouts(connect_s=settings.connect_timeout_s, read_s=settings.read_timeout_s)
        self._client = AsyncHttpClient(limits, max_answer_bytes=MAX_ANSWER_BYTES)

    def account(self) -> tuple[str, str, str]:
        """Address, client id and secret. Raises MissingSetting that names what is not set."""
        settings = self._settings
        given = {
            "GOVESB_TOKEN_URL": settings.token_url,
            "ESB_CLIENT_ID": settings.client_id,
            "ESB_CLIENT_SECRET": settings.client_secret,
        }
        missing = [variable for variable, value in given.items() if value is None]
        if missing:
            raise MissingSetting(*missing)
        return settings.token_url or "", settings.client_id or "", settings.client_secret or ""

    async def fetch(self) -> Grant:
        """A new token. Raises TokenTrouble, MissingSetting."""
        url, client_id, secret = self.account()
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        form = {
            "client_id": client_id,
            "client_secret": secret,
            "grant_type": self._settings.grant_type,
        }
        try:
            answer = await self._client.request(
                "POST",
                url,
                urlencode(form).encode(),
                {
                    "Authorization": f"Basic {basic}",
                    "Accept": "application/json",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
            )
        except OutboundError as exc:
            raise TokenTrouble(f"no token: {exc}") from exc
        return read_grant(answer.status_code, answer.content)

    def close(self) -> None:
        """Close the connections that rest."""
        self._client.close()
