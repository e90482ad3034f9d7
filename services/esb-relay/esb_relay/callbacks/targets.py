"""Where a route's calls go: an address, or a path of the channel proxy, asked over HTTP."""

import hashlib
import json
from dataclasses import dataclass, field

from common.http.async_client import AsyncHttpClient
from common.http.outcomes import NotSent, OutcomeUnknown, Timeouts

from esb_relay.callbacks.results import NotAsked, Result, result_of, unknown
from esb_relay.config import Settings
from esb_relay.models import CallbackRoute, TargetKind


@dataclass(frozen=True, slots=True)
class TargetCall:
    """A call of the bus as its target gets it; `body` is a JSON text."""

    route: str
    request_id: str
    api_code: str | None
    body: str | None = field(repr=False)


class Targets:
    """Asks targets. What must run once carries an `Idempotency-Key`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        timeouts = Timeouts(
            connect_s=settings.connect_timeout_s, read_s=settings.callback_timeout_s
        )
        self._own = AsyncHttpClient(timeouts)
        self._client = AsyncHttpClient(timeouts, rules=settings.outbound())

    async def ask(self, route: CallbackRoute, call: TargetCall) -> Result:
        """Post the call to its target. Raises NotAsked."""
        url, headers = self._address(route)
        headers |= {
            "X-ESB-Request-Id": _sendable(call.request_id),
            "X-ESB-Route": call.route,
            "Idempotency-Key": idempotency_key(call),
        }
        if call.api_code:
            headers["X-ESB-Api-Code"] = _sendable(call.api_code)
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        data = b"" if call.body is None else call.body.encode()
        client = self._client if route.target_kind is TargetKind.HTTP else self._own
        try:
            answer = await client.request("POST", url, data, headers)
        except NotSent as exc:
            raise NotAsked("the target cannot be reached") from exc
        except OutcomeUnknown:
            return unknown("the target did not answer")
        return result_of(answer.status_code, answer.content)

    def close(self) -> None:
        """Close the connections that rest."""
        self._own.close()
        self._client.close()

    def _address(self, route: CallbackRoute) -> tuple[str, dict[str, str]]:
        if route.target_kind is TargetKind.HTTP:
            return route.target, {}
        secret = self._settings.own_secret()
        if secret is None:
            raise NotAsked("ESB_RELAY_CLIENT_SECRET is not set; this route needs it")
        credentials = {
            "X-Client-Id": self._settings.proxy_client_id,
            "X-Client-Secret": secret,
        }
        return self._settings.proxy_gateway_url + route.target, credentials


def idempotency_key(call: TargetCall) -> str:
    """The same for every attempt at one call, and for no other call."""
    named = json.dumps([call.route, call.request_id])
    return f"esb-{hashlib.sha256(named.encode()).hexdigest()}"


def _sendable(text: str) -> str:
    """Ids of the bus may hold anything; a header holds visible ASCII."""
    return "".join(one if " " <= one <= "~" else "_" for one in text).strip()
