"""Whatever is sent is found, verified and passed on: every mode, format and curve."""

import json

import pytest
from esb_relay.errors import UnsendableBody
from esb_relay.keys.pairs import Curve, PrivateKey
from esb_relay.wire.envelope import Envelope, read_envelope, seal
from esb_relay.wire.incoming import read_answer, read_call
from esb_relay.wire.json_canonical import canonical
from esb_relay.wire.outgoing import failure_data, request_data, success_data
from esb_relay.wire.signature import sign, verify
from esb_relay.wire.terms import Format, Mode, Root, Spelling
from esb_relay.wire.xml_body import json_to_xml, xml_to_json
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_SCALARS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,4})?([eE]-?[0-9]{1,2})?", fullmatch=True
)
_STRINGS = st.text(max_size=10).map(json.dumps)


def _object(items: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}": {value}' for name, value in items.items()) + "}"


_BODIES = st.recursive(
    _SCALARS | _STRINGS | st.sampled_from(["null", "true", '"},\\"signature\\":\\""']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[ {' , '.join(items)} ]")
        | st.dictionaries(st.sampled_from(["data", "signature", "é", "Payload"]), inner).map(
            _object
        )
    ),
    max_leaves=8,
)
_ONCE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _verified(data: str, format_: Format, root: Root, key: PrivateKey) -> Envelope:
    envelope = read_envelope(seal(data, sign(data, key), format_, root))
    assert envelope.data == data
    assert verify(envelope, [key.public]).verified_by is Spelling.RAW
    return envelope


def _in_payload(mode: Mode, body: str) -> str:
    payload = mode is Mode.NIDA and not (
        body.startswith('{"Payload":') and list(json.loads(body)) == ["Payload"]
    )
    return f'{{"Payload":{body}}}' if payload else body


@pytest.mark.parametrize("mode", list(Mode))
@_ONCE
@given(body=_BODIES, code=st.text(min_size=1, max_size=8))
def test_json_request_arrives(mode: Mode, body: str, code: str, p256: PrivateKey) -> None:
    data = request_data(mode, code, body, Format.JSON, user_id="U-1")
    _verified(data, Format.JSON, Root.REQUEST, p256)
    members = json.loads(data)
    assert members.get("pushCode" if mode is Mode.PUSH else "apiCode") == code
    assert members.get("userId") == ("U-1" if mode is Mode.NIDA else None)
    assert data.endswith(f'"esbBody":{_in_payload(mode, canonical(body))}}}')


@_ONCE
@given(body=_BODIES)
def test_json_answer_arrives(body: str, p256: PrivateKey) -> None:
    data = success_data(body, Format.JSON, "R-1")
    answer = read_answer(_verified(data, Format.JSON, Root.RESPONSE, p256))
    assert (answer.success, answer.request_id) == (True, "R-1")
    assert answer.esb_body == canonical(body)


@_ONCE
@given(body=_BODIES)
def test_body_of_the_bus_is_passed_on_digit_for_digit(body: str, p256: PrivateKey) -> None:
    data = f'{{ "success" : true , "esbBody" : {body}  }}'
    answer = read_answer(_verified(data, Format.JSON, Root.RESPONSE, p256))
    assert answer.esb_body == body


@_ONCE
@given(body=_BODIES)
def test_xml_answer_arrives(body: str, p256: PrivateKey) -> None:
    try:
        xml = json_to_xml(body)
    except UnsendableBody:
        return
    data = failure_data("hapana", xml, Format.XML)
    answer = read_answer(_verified(data, Format.XML, Root.RESPONSE, p256))
    assert (answer.success, answer.message) == (False, "hapana")
    assert answer.esb_body == xml
    xml_to_json(xml)


@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_and_format_on_every_curve(mode: Mode, format_: Format, key: PrivateKey) -> None:
    body = '{"jina":"Mwanaïsha 😀 <&>","n":1.1}'
    body = json_to_xml(body) if format_ is Format.XML else body
    data = request_data(mode, "C1", body, format_, user_id="U-1")
    call = read_call(_verified(data, format_, Root.REQUEST, key))
    assert (call.push_code or call.api_code) == "C1"
    assert call.esb_body is not None
    assert ("Payload" in call.esb_body) is (mode is Mode.NIDA)


def test_awkward_body_goes_there_and_back(
    awkward_body: tuple[str, str], keys: dict[Curve, PrivateKey]
) -> None:
    written, arrives = awkward_body
    for key in keys.values():
        data = request_data(Mode.PUSH, "P1", written, Format.JSON)
        call = read_call(_verified(data, Format.JSON, Root.REQUEST, key))
        assert call.esb_body == arrives
