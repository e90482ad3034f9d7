"""Bodies through the whole relay: to the bus and back, digit for digit, in both formats."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from esb_relay.demo.server import Simulator, listen
from esb_relay.keys.pairs import Curve, Encoding, PrivateKey
from esb_relay.wire.ecies import decrypt
from flask import Flask

#: As the bus answers it: the raw text of `esb_body` must be this.
ANSWERED = {
    "one_point_zero": '{"n":1.0}',
    "trailing_zero": '{"n":1.10}',
    "exponent": "[1e21,1E2,-0]",
    "twenty_digits": '{"nin":19900101141210000123}',
    "non_ascii": '{"jina":"Mwanaïsha Çelik 😀"}',
    "escaped": '{"u":"https:\\/\\/a\\/b","e":"\\ud83d\\ude00"}',
    "nested": '{"data":{"data":1,"signature":"x"},"signature":"y"}',
    "looks_like_the_end": '{"t":"},\\"signature\\":\\""}',
    "spaces": '{ "a" : [ 1 , 2.50 ] }',
}


def raw_esb_body(text: str) -> str:
    """The value of `esb_body` as it stands in the answer's text."""
    start = text.index('"esb_body":') + len('"esb_body":')
    return text[start : text.index(',"errors":')]


def test_body_arrives_as_it_must(
    api: Any, simulator: Simulator, awkward_body: tuple[str, str]
) -> None:
    written, arrives = awkward_body
    answer = api.relay(written)

    assert answer.status_code == 200, answer.text
    sent = simulator.bodies[-1].decode()
    assert sent.startswith(f'{{"data":{{"apiCode":"DEMO","esbBody":{arrives}}},"signature":"')
    assert raw_esb_body(answer.text) == arrives


@pytest.mark.parametrize("body", ANSWERED.values(), ids=list(ANSWERED))
def test_answer_is_passed_on_digit_for_digit(api: Any, body: str) -> None:
    answer = api.relay(json.dumps({"text": body}), code="C!spelled")
    assert raw_esb_body(answer.text) == body


def test_message_without_a_body_has_no_esb_body(api: Any, simulator: Simulator) -> None:
    answer = api.relay()

    assert answer.get_json()["esb_body"] is None
    assert simulator.bodies[-1].startswith(b'{"data":{"apiCode":"DEMO"},"signature"')


@pytest.mark.parametrize("mode", ["normal", "push", "nida"])
@pytest.mark.parametrize("format_", ["json", "xml"])
def test_every_mode_in_both_formats(
    api: Any, simulator: Simulator, mode: str, format_: str
) -> None:
    answer = api.relay('{"a":"1.10","b":["x","y"]}', mode=mode, format=format_, user_id="U1")

    assert answer.status_code == 200, answer.text
    inner = {"a": "1.10", "b": ["x", "y"]}
    assert answer.get_json()["esb_body"] == ({"Payload": inner} if mode == "nida" else inner)
    assert simulator.bodies[-1].startswith(b"<esbrequest>" if format_ == "xml" else b'{"data":')


@pytest.mark.parametrize("curve", list(Curve))
def test_round_trip_on_every_curve(
    app_with: Callable[..., Flask],
    api_of: Callable[..., Any],
    keys: dict[Curve, PrivateKey],
    curve: Curve,
) -> None:
    ours, theirs = keys[curve], keys[Curve.SECP256K1]
    bus = Simulator(theirs, ours.public, client_id="kiungo", secret="s:ecret")
    server = listen(bus)
    server.start()
    url = f"http://127.0.0.1:{server.port}"
    app = app_with(
        engine_url=url,
        token_url=f"{url}/token",
        private_key=ours.pem().decode(),
        esb_public_keys=theirs.public.encoded(Encoding.DER_B64).decode(),
    )
    for format_ in ("json", "xml"):
        answer = api_of(app).relay('{"a":"b"}', format=format_)
        assert answer.get_json()["success"] is True, answer.text
    server.stop()


def test_encrypted_body_is_readable_for_its_recipient_only(
    app_with: Callable[..., Flask],
    api_of: Callable[..., Any],
    simulator: Simulator,
    keys: dict[Curve, PrivateKey],
) -> None:
    recipient = keys[Curve.SECP521R1]
    public = recipient.public.encoded(Encoding.PEM).decode()
    api = api_of(app_with(recipient_public_keys=public))
    answer = api.relay('{"n":1.10}', encrypt_to=recipient.kid)

    assert answer.status_code == 200, answer.text
    sent = json.loads(simulator.bodies[-1])["data"]["esbBody"]
    assert sent.keys() == {"ephemeralKey", "iv", "encryptedData"}
    assert decrypt(json.dumps(sent), recipient) == b'{"n":1.10}'
    assert api.relay("1", encrypt_to="nobody").status_code == 422


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"code":"C","body":1,"body":2}', 400),
        ('{"code":"C","body":{"a":1,"a":2}}', 422),
        ('{"code":"C","body":' + "[" * 300 + "]" * 300 + "}", 400),
        ('{"code":"C","body":NaN}', 400),
        ('{"code":" "}', 422),
        ('{"body":1}', 422),
        ('{"code":"C","mode":"pull"}', 422),
        ('{"code":"C","mode":"nida"}', 422),
        ('{"code":"C","surprise":1}', 422),
        ('{"code":5}', 422),
        ("[]", 400),
        ("", 400),
        ("{", 400),
    ],
)
def test_bad_input_gets_an_answer(api: Any, simulator: Simulator, text: str, status: int) -> None:
    answer = api.ask("POST", "relay/", data=text, content_type="application/json")

    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert not simulator.bodies
