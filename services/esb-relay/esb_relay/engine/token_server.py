"""GovESB's token server: client credentials in, an access token out."""

import base64

from common.http import HttpClient, OutboundError, Timeouts

from esb_relay.config import Settings
from esb_relay.engine.grants import Grant, TokenTrouble, read_grant
from esb_relay.errors import MissingSetting


class TokenServer:
    """Asks for tokens over HTTP."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        limits = Timeouts(connect_s=settings.connect_timeout_s, read_s=settings.read_timeout_s)
        self._client = HttpClient(limits, pool_size=2)

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

    def fetch(self) -> Grant:
        """A new token. Raises TokenTrouble, MissingSetting."""
        url, client_id, secret = self.account()
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        form = {
            "client_id": client_id,
            "client_secret": secret,
            "grant_type": self._settings.grant_type,
        }
        try:
            answer = self._client.request(
                "POST",
                url,
                data=form,
                headers={"Authorization": f"Basic {basic}", "Accept": "application/json"},
            )
        except OutboundError as exc:
            raise TokenTrouble(f"no token: {exc}") from exc
        return read_grant(answer.status_code, answer.content)
