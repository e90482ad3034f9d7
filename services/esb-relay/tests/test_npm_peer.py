"""`govesb-connector-js`, an independent connector, as a peer in both directions.

It verifies by parsing and re-serialising as JavaScript does, so `1.0`, exponents, 20-digit numbers
and `\\u001F` cannot pass its own check; for those it is asked to verify the text as received.
"""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as ser
from esb_relay.errors import BadSignature
from esb_relay.keys.pairs import Encoding, PrivateKey, generate
from esb_relay.wire.ecies import decrypt, encrypt
from esb_relay.wire.envelope import read_envelope, seal
from esb_relay.wire.incoming import read_answer, read_call
from esb_relay.wire.outgoing import failure_data, request_data, success_data
from esb_relay.wire.signature import sign, verify
from esb_relay.wire.terms import Format, Mode, Root, Spelling
from npm_packages import npm_packages

PEER = Path(__file__).parent / "peer"
JSON_BODY = '{"jina":"Mwanaïsha 😀","u":"https://a/b","data":{"signature":"},\\"signature\\":\\""},"n":[1,2.5]}'
XML_BODY = "<esbBody><jina>Mwanaïsha 😀 &amp; &lt;</jina><n>1.10</n><n>1e21</n></esbBody>"
Ask = Callable[..., object]


@pytest.fixture(scope="session")
def ask(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """`ask(act, **arguments)`: what the connector does or says; an AssertionError if it threw."""
    folder = npm_packages(PEER, pytestconfig, tmp_path_factory)
    peer = subprocess.Popen(
        ["node", PEER / "peer.cjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert peer.stdin
    assert peer.stdout
    stdin, stdout = peer.stdin, peer.stdout

    def exchange(act: str, **arguments: object) -> object:
        stdin.write(json.dumps({"act": act} | arguments).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer.get("result")

    with peer:
        yield exchange
        stdin.close()


def _secret(key: PrivateKey) -> str:
    der = ser.load_pem_private_key(key.pem(), None).private_bytes(
        ser.Encoding.DER, ser.PrivateFormat.PKCS8, ser.NoEncryption()
    )
    return base64.b64encode(der).decode()


def _public(key: PrivateKey) -> str:
    return key.public.encoded(Encoding.DER_B64).decode()


@pytest.fixture
def theirs(key: PrivateKey) -> PrivateKey:
    """The connector's key, on the same curve as ours."""
    return generate(key.curve)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("format_", list(Format))
def test_connector_calls_us_and_takes_our_answer(
    mode: Mode, format_: Format, key: PrivateKey, theirs: PrivateKey, ask: Ask
) -> None:
    body = JSON_BODY if format_ is Format.JSON else XML_BODY
    data = success_data(body, format_)
    answer = seal(data, sign(data, key), format_, Root.RESPONSE).decode()
    keys = {"privateKey": _secret(theirs), "publicKey": _public(key)}
    said = ask(
        "request", mode=mode, code="C1", body='{"a":"é"}', format=format_, answer=answer, **keys
    )
    assert isinstance(said, dict)
    assert said["returned"] == data
    envelope = read_envelope(said["body"].encode())
    assert verify(envelope, [theirs.public]).verified_by is Spelling.RAW
    call = read_call(envelope)
    assert (call.push_code if mode is Mode.PUSH else call.api_code) == "C1"
    assert call.user_id == ("U-1" if mode is Mode.NIDA else None)
    assert call.esb_body is not None
    assert ("Payload" in call.esb_body) is (mode is Mode.NIDA)
    assert call.format is format_


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("format_", list(Format))
def test_connector_verifies_our_request(
    mode: Mode, format_: Format, key: PrivateKey, ask: Ask
) -> None:
    body = JSON_BODY if format_ is Format.JSON else XML_BODY
    data = request_data(mode, "C1", body, format_, user_id="U-1")
    envelope = seal(data, sign(data, key), format_, Root.REQUEST).decode()
    assert ask("verify", envelope=envelope, format=format_, publicKey=_public(key)) == data


def test_connector_verifies_our_rejection(key: PrivateKey, ask: Ask) -> None:
    for format_ in Format:
        data = failure_data("hapana <&>", None, format_)
        envelope = seal(data, sign(data, key), format_, Root.RESPONSE).decode()
        assert ask("verify", envelope=envelope, format=format_, publicKey=_public(key)) == data


def test_connector_refuses_what_we_did_not_sign(key: PrivateKey, ask: Ask) -> None:
    data = success_data('{"n":1}', Format.JSON)
    envelope = seal(data, sign(data, key), Format.JSON, Root.RESPONSE).decode().replace("1", "2", 1)
    assert ask("verify", envelope=envelope, format="json", publicKey=_public(key)) is None


def test_connector_verifies_the_text_of_awkward_bodies(
    awkward_body: tuple[str, str], p256: PrivateKey, ask: Ask
) -> None:
    written, arrives = awkward_body
    data = request_data(Mode.NORMAL, "C1", written, Format.JSON)
    assert arrives in data
    assert ask("verifyText", text=data, signature=sign(data, p256), publicKey=_public(p256)) is True


def test_we_verify_the_answers_of_the_connector(key: PrivateKey, ask: Ask) -> None:
    for format_ in Format:
        body = '{"jina":"Mwanaïsha 😀 <&>","n":[1,2.5],"data":"x"}'
        good = ask("success", body=body, format=format_, privateKey=_secret(key))
        bad = ask("failure", body=None, message="a > b", format=format_, privateKey=_secret(key))
        for raw, success in ((good, True), (bad, False)):
            envelope = read_envelope(str(raw).encode())
            assert verify(envelope, [key.public]).verified_by is Spelling.RAW
            answer = read_answer(envelope)
            assert answer.success is success
            assert answer.message == (None if success else "a > b")
            assert (answer.esb_body is not None) is success
            if success and format_ is Format.JSON:
                assert answer.esb_body == body


def test_we_verify_a_reprinted_answer_of_the_connector(key: PrivateKey, ask: Ask) -> None:
    raw = ask("success", body='{"a":[1,"é"]}', format="json", privateKey=_secret(key))
    printed = json.dumps(json.loads(str(raw)), indent=2, ensure_ascii=False).encode()
    assert verify(read_envelope(printed), [key.public]).verified_by is Spelling.MINIFIED


def test_we_refuse_what_the_connector_did_not_sign(key: PrivateKey, ask: Ask) -> None:
    raw = str(ask("success", body='{"a":1}', format="json", privateKey=_secret(key)))
    with pytest.raises(BadSignature):
        verify(read_envelope(raw.replace("1", "2", 1).encode()), [key.public])


@pytest.mark.parametrize(
    "text", ["", JSON_BODY, "Mwanaïsha 😀" * 500], ids=["empty", "json", "long"]
)
def test_encryption_in_both_directions(text: str, key: PrivateKey, ask: Ask) -> None:
    assert ask("decrypt", text=encrypt(text.encode(), key.public), privateKey=_secret(key)) == text
    encrypted = str(ask("encrypt", text=text, publicKey=_public(key)))
    assert decrypt(encrypted, key).decode() == text
