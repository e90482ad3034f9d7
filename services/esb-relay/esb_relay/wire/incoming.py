"""What the `data` of a received envelope says.

Call these after `signature.verify`. Bodies are slices of the received text, digit for digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from esb_relay.errors import MalformedEnvelope, MalformedText
from esb_relay.wire import json_span, xml_received
from esb_relay.wire.envelope import Envelope
from esb_relay.wire.terms import Format
from esb_relay.wire.xml_span import Element

_VERDICTS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the bus. `success` false is a business failure, not a fault.

    `esb_body`, `errors` and `validation_errors` are raw texts in the envelope's format: a JSON
    value, or XML elements with their tags (`<esbBody>…</esbBody>`). None: the member is absent.
    """

    format: Format
    success: bool
    request_id: str | None
    message: str | None
    esb_body: str | None = field(repr=False)
    errors: str | None = field(repr=False)
    validation_errors: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A request: the bus calling one of our routes, or what an engine receives from a client.

    Its mode is not on the wire, but a push carries `push_code`. `esb_body` as in Answer.
    """

    format: Format
    api_code: str | None
    push_code: str | None
    request_id: str | None
    user_id: str | None
    esb_body: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Member:
    raw: str
    value: str | None


def read_answer(envelope: Envelope) -> Answer:
    """The answer in `data`. Raises MalformedEnvelope: no verdict in `success`, a broken member."""
    data = _members(envelope)
    verdict = _VERDICTS.get((_scalar(data, "success") or "").strip().lower())
    if verdict is None:
        raise MalformedEnvelope("`data` does not say `success` true or false")
    return Answer(
        format=envelope.format,
        success=verdict,
        request_id=_scalar(data, "requestId"),
        message=_scalar(data, "message"),
        esb_body=_raw(data, "esbBody"),
        errors=_raw(data, "errors"),
        validation_errors=_raw(data, "validationErrors"),
    )


def read_call(envelope: Envelope) -> Call:
    """The request in `data`; every member may be missing. Raises MalformedEnvelope."""
    data = _members(envelope)
    return Call(
        format=envelope.format,
        api_code=_scalar(data, "apiCode"),
        push_code=_scalar(data, "pushCode"),
        request_id=_scalar(data, "requestId"),
        user_id=_scalar(data, "userId"),
        esb_body=_raw(data, "esbBody"),
    )


def _members(envelope: Envelope) -> Mapping[str, _Member]:
    try:
        if envelope.format is Format.XML:
            return _xml_members(xml_received.read(envelope.data))
        return _json_members(json_span.members(envelope.data))
    except MalformedText as exc:
        raise MalformedEnvelope(f"`data` is refused: {exc}") from exc


def _json_members(members: Mapping[str, json_span.Member]) -> dict[str, _Member]:
    return {name: _Member(member.text, _json_value(member)) for name, member in members.items()}


def _json_value(member: json_span.Member) -> str | None:
    """A scalar as text (a number by its digits); None for null and for what is no scalar."""
    if isinstance(member.value, str):
        return member.value
    return member.text if isinstance(member.value, bool) else None


def _xml_members(data: Element) -> dict[str, _Member]:
    found: dict[str, _Member] = {}
    last = ""
    for child in data.children:
        before = found.get(child.name)
        if before and child.name != last:
            raise MalformedText("repeated members are not adjacent")
        value = None if before or child.children else child.text
        found[child.name] = _Member((before.raw if before else "") + child.outer, value)
        last = child.name
    return found


def _raw(data: Mapping[str, _Member], name: str) -> str | None:
    member = data.get(name)
    return member.raw if member else None


def _scalar(data: Mapping[str, _Member], name: str) -> str | None:
    member = data.get(name)
    if member is None or member.value is None:
        return None
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in member.value):
        raise MalformedEnvelope(f"`{name}` holds a character that no text may hold")
    return member.value
