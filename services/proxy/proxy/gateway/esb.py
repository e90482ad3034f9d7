"""Calls to the national service bus: which mode and code, which payload, and what came back.

The payload keeps its spelling digit for digit: its text is cut out of the request and pasted into
the request to esb-relay; the relay's answer goes back to the caller as it is.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from common.http.async_client import AsyncHttpClient
from common.http.outcomes import Timeouts

from proxy.gateway.call import Call, query_value
from proxy.gateway.rejections import EsbBodyRejected
from proxy.gateway.routing_table import Registration
from proxy.record.json_text import member_texts

RELAY_PATH = "/api/esb/relay/"
WRAPPING_MEMBER = "requestdata"
#: Statuses of esb-relay that hold for the caller as well: a body that no envelope can carry, and an
#: outcome that is not known. Every other trouble is a bad gateway.
PASSED_ON = frozenset({400, 422, 504})


@dataclass(frozen=True, slots=True)
class EsbCall:
    """One message for the bus; `payload` is JSON text as the caller spelled it."""

    organization: str
    mode: str
    code: str
    payload: str

    @property
    def address(self) -> dict[str, str]:
        """All but the payload, which a worker finds in the stored request."""
        return {"organization": self.organization, "mode": self.mode, "code": self.code}


@dataclass(frozen=True, slots=True)
class EsbAnswer:
    """What esb-relay said; `error` is None for a verified success.

    `was_not_sent`: the bus surely did not get the message, so that it may be sent again.
    """

    status: int
    body: bytes
    error: str | None
    exchange_id: str | None
    was_not_sent: bool = False


def plan(call: Call, body: bytes, registration: Registration) -> EsbCall:
    """Decide mode, code and payload of the whole `body`. Raises EsbBodyRejected with the reason."""
    mode, code = choose_code(
        call.headers.get("X-Esb-Mode", "") or query_value(call, "esb_mode"), registration
    )
    return EsbCall(registration.organization, mode, code, payload_text(body))


def choose_code(asked: str, registration: Registration) -> tuple[str, str]:
    """`("normal", api_code)` or `("push", push_code)`."""
    asked = asked.strip().lower()
    if asked not in {"", "normal", "push"}:
        raise EsbBodyRejected("X-ESB-Mode must be normal or push")
    mode = asked or ("normal" if registration.api_code else "push")
    code = registration.api_code if mode == "normal" else registration.push_code
    if not code:
        name = "api_code" if mode == "normal" else "push_code"
        raise EsbBodyRejected(f"The registration has no {name} for mode {mode}")
    return mode, code


def payload_text(body: bytes) -> str:
    """The JSON text of the payload: the member `requestdata`, else the whole object."""
    if not body.strip():
        return "{}"
    try:
        text = body.decode("utf-8-sig")
        members = member_texts(text)
    except (ValueError, RecursionError) as exc:
        raise EsbBodyRejected(f"The body for the ESB must be a JSON object: {_why(exc)}") from exc
    wrapped = members.get(WRAPPING_MEMBER)
    if wrapped is None:
        return text.strip()
    if not wrapped.startswith("{"):
        raise EsbBodyRejected(f"The member {WRAPPING_MEMBER} must be a JSON object")
    return wrapped


def _why(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return f"no UTF-8 at byte {exc.start}"
    return str(exc)


class EsbRelay:
    """The relay service, called over HTTP; `token` gives this service's own access token."""

    def __init__(self, base_url: str, read_timeout_s: float, token: Callable[[], str]) -> None:
        self._url = base_url.rstrip("/") + RELAY_PATH
        self._client = AsyncHttpClient(Timeouts(connect_s=3.0, read_s=read_timeout_s))
        self._token = token

    async def relay(self, call: EsbCall, correlation_id: str) -> EsbAnswer:
        """Send one message. Raises NotSent (surely not sent) or OutcomeUnknown."""
        body = (
            f'{{"mode":{json.dumps(call.mode)},"code":{json.dumps(call.code)},'
            f'"body":{call.payload}}}'
        )
        answer = await self._client.request(
            "POST",
            self._url,
            body.encode(),
            {
                "Content-Type": "application/json",
                "X-Correlation-Id": correlation_id,
                "X-Organization": call.organization,
                "Authorization": f"Bearer {self._token()}",
            },
        )
        return judge(answer.status_code, answer.content)


def judge(status: int, body: bytes) -> EsbAnswer:
    """Read the relay's answer: a verified success, a signed failure, or what the relay rejects."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = {}
    if not isinstance(said, dict):
        said = {}
    exchange_id = said.get("exchange_id")
    exchange_id = str(exchange_id) if exchange_id is not None else None
    if status == 200 and said.get("success") is True:
        return EsbAnswer(200, body, None, exchange_id)
    if status == 200:
        reason = said.get("message") or "the ESB reported a failure"
        return EsbAnswer(502, body, f"ESB: {reason}", exchange_id)
    reason = said.get("error") or said.get("detail") or f"esb-relay answered {status}"
    return EsbAnswer(
        status if status in PASSED_ON else 502,
        body,
        f"ESB relay: {reason}",
        exchange_id,
        was_not_sent=said.get("outcome") == "not_sent",
    )
