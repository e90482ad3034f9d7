"""One message for the bus: its envelope, its exchange, and what the caller is told of it.

Bodies are texts from end to end: cut out of the caller's JSON, pasted into the answer.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus

from common.correlation import current_request_context
from common.ids import new_id
from common.web.problems import MEDIA_TYPE, problem

from esb_relay.config import Settings
from esb_relay.engine.exchange_log import Beginning
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.off_the_loop import off_the_loop
from esb_relay.engine.outcomes import Outcome
from esb_relay.keys.keyring import Keyring
from esb_relay.models import Direction, ExchangeMode, ExchangeStatus
from esb_relay.wire import ecies, signature, xml_body
from esb_relay.wire.envelope import seal
from esb_relay.wire.json_canonical import quoted
from esb_relay.wire.outgoing import request_data
from esb_relay.wire.terms import Format, Mode, Root

PATHS = {Mode.NORMAL: "/request", Mode.PUSH: "/push-request", Mode.NIDA: "/nida-request"}

#: How an exchange without a verified answer is told to the caller.
STATUSES = {
    ExchangeStatus.NOT_SENT: HTTPStatus.BAD_GATEWAY,
    ExchangeStatus.REFUSED: HTTPStatus.BAD_GATEWAY,
    ExchangeStatus.UNVERIFIABLE: HTTPStatus.BAD_GATEWAY,
    ExchangeStatus.UNKNOWN: HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a caller wants the bus to get; `body` is a JSON text, None is no body."""

    mode: Mode
    code: str
    body: str | None = field(repr=False)
    user_id: str | None = None
    format: Format | None = None
    encrypt_to: str | None = None
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the caller: a status and a JSON text."""

    status: int
    text: str = field(repr=False)

    @property
    def media_type(self) -> str:
        """JSON, or a problem."""
        return "application/json" if self.status == HTTPStatus.OK else MEDIA_TYPE


class Relay:
    """Signs, sends, verifies."""

    def __init__(self, settings: Settings, keyring: Keyring, exchanger: Exchanger) -> None:
        self._settings = settings
        self._keyring = keyring
        self._exchanger = exchanger

    async def relay(self, message: Message, *, caller: str, correlation_id: str) -> Response:
        """Send one message and tell what came of it.

        Raises UnsendableBody, NoSuchKey, MissingSetting, KeyProblem, NotRecorded: nothing was sent.
        """
        format_ = message.format or Format(self._settings.data_format)
        envelope = await off_the_loop(
            len(message.body or ""), lambda: self._envelope(message, format_)
        )
        beginning = Beginning(
            direction=Direction.OUTGOING,
            mode=ExchangeMode(message.mode),
            code=message.code,
            organization=message.organization,
            caller=caller,
            correlation_id=correlation_id,
            format=format_,
            envelope=envelope,
        )
        outcome = await self._exchanger.exchange(beginning, PATHS[message.mode])
        size = len(outcome.received or b"")
        return await off_the_loop(size, lambda: response_of(str(beginning.id), outcome))

    def _envelope(self, message: Message, format_: Format) -> bytes:
        body = message.body
        if body is not None and message.encrypt_to is not None:
            recipient = self._keyring.named(message.encrypt_to, field="encrypt_to")
            body = ecies.encrypt(body.encode(), recipient)
        if body is not None and format_ is Format.XML:
            body = xml_body.json_to_xml(body)
        data = request_data(message.mode, message.code, body, format_, message.user_id)
        return sealed(data, self._keyring, format_, Root.REQUEST)


def correlation_id() -> str:
    """The id of the request being served."""
    request_context = current_request_context()
    return request_context.correlation_id if request_context is not None else str(new_id())


def sealed(data: str, keyring: Keyring, format_: Format, root: Root) -> bytes:
    """`data` in an envelope with our signature. Raises MissingSetting, KeyProblem."""
    return seal(data, signature.sign(data, keyring.private_key()), format_, root)


def response_of(exchange_id: str, outcome: Outcome) -> Response:
    """A verified answer as it is, whatever it says; everything else as a problem."""
    if outcome.answer is None or outcome.verified is None:
        return _problem(exchange_id, outcome)
    answer = outcome.answer
    members = {
        "ok": _json(answer.success),
        "exchange_id": _json(exchange_id),
        "request_id": _json(answer.request_id),
        "success": _json(answer.success),
        "message": _json(answer.message),
        "esb_body": _body(answer.esb_body, answer.format),
        "errors": _body(answer.errors, answer.format, "errors"),
        "validation_errors": _body(answer.validation_errors, answer.format, "validationErrors"),
        "verified_by": _json(outcome.verified.verified_by),
    }
    text = ",".join(f'"{name}":{value}' for name, value in members.items())
    return Response(HTTPStatus.OK, f"{{{text}}}")


def _problem(exchange_id: str, outcome: Outcome) -> Response:
    status = STATUSES[outcome.status]
    reason = outcome.reason or "no verified answer"
    body = problem(status, reason[0].upper() + reason[1:])
    body |= {"exchange_id": exchange_id, "outcome": outcome.status}
    return Response(status, json.dumps(body))


def _json(value: str | bool | None) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _body(text: str | None, format_: Format, name: str = xml_body.BODY) -> str:
    if text is None:
        return "null"
    return text if format_ is Format.JSON else xml_body.xml_to_json(text, name)
