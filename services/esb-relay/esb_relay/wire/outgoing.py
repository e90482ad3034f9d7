"""The text of `data` for everything the relay sends, ready to be signed.

Bodies come as texts in the format of the envelope (`xml_body` converts); `None` is no body, and the
JSON text `null` is one. The result is valid for receivers that check the bytes and for those that
parse and re-serialise: bodies are spelled as Jackson spells them, their values never change.
"""

import json

from esb_relay.errors import MalformedText, UnsendableBody
from esb_relay.wire import xml_body
from esb_relay.wire.json_canonical import canonical, quoted
from esb_relay.wire.json_span import members
from esb_relay.wire.terms import Format, Mode
from esb_relay.wire.xml_canonical import wrapped
from esb_relay.wire.xml_text import escaped

_PAYLOAD = "Payload"


def request_data(
    mode: Mode, code: str, body: str | None, format_: Format, user_id: str | None = None
) -> str:
    """`data` of a request: the code, for nida the user, then `esbBody` if there is a body.

    Raises UnsendableBody: no code, a nida request without user, a body no envelope can carry.
    """
    if not code:
        raise UnsendableBody("a request needs a code")
    if mode is Mode.NIDA and not user_id:
        raise UnsendableBody("a nida request needs a user id")
    parts = {"pushCode" if mode is Mode.PUSH else "apiCode": _text(code, format_)}
    if mode is Mode.NIDA and user_id:
        parts["userId"] = _text(user_id, format_)
    content = _body(body, format_, in_payload=mode is Mode.NIDA)
    return _data(parts | content, format_)


def success_data(body: str | None, format_: Format, request_id: str | None = None) -> str:
    """`data` of a good answer; `request_id` only for a late one. Raises UnsendableBody."""
    parts = {"success": "true"} | _body(body, format_)
    return _data(parts | _request_id(request_id, format_), format_)


def failure_data(
    message: str, body: str | None, format_: Format, request_id: str | None = None
) -> str:
    """`data` of a rejection; `request_id` only for a late one. Raises UnsendableBody."""
    parts = {"success": "false", "message": _text(message, format_)} | _body(body, format_)
    return _data(parts | _request_id(request_id, format_), format_)


def _data(parts: dict[str, str], format_: Format) -> str:
    if format_ is Format.JSON:
        return f"{{{','.join(f'{quoted(name)}:{text}' for name, text in parts.items())}}}"
    elements = (
        text if name == xml_body.BODY else wrapped(name, text) for name, text in parts.items()
    )
    return wrapped("data", "".join(elements))


def _text(value: str, format_: Format) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UnsendableBody("a text holds half a character")
    return quoted(value) if format_ is Format.JSON else escaped(value)


def _request_id(request_id: str | None, format_: Format) -> dict[str, str]:
    return {} if request_id is None else {"requestId": _text(request_id, format_)}


def _body(body: str | None, format_: Format, *, in_payload: bool = False) -> dict[str, str]:
    if body is None:
        return {}
    if format_ is Format.XML:
        spelled = xml_body.sendable_xml(body)
        return {xml_body.BODY: xml_body.payload_xml(spelled, _PAYLOAD) if in_payload else spelled}
    spelled = _sendable_json(body)
    return {xml_body.BODY: _json_payload(spelled) if in_payload else spelled}


def _sendable_json(body: str) -> str:
    try:
        spelled = canonical(body)
    except MalformedText as exc:
        raise UnsendableBody(f"the body is refused: {exc}") from exc
    _UNIQUE.decode(spelled)
    return spelled


def _json_payload(body: str) -> str:
    if body.startswith("{") and list(members(body)) == [_PAYLOAD]:
        return body
    return f'{{"{_PAYLOAD}":{body}}}'


def _refuse_repeats(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise UnsendableBody(
            "the body repeats a member's name: receivers would read it differently"
        )


_UNIQUE = json.JSONDecoder(parse_int=str, parse_float=str, object_pairs_hook=_refuse_repeats)
