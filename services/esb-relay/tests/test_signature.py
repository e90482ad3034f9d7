"""Signatures: over which bytes, in which order, by which key; any doubt is a rejection."""

import base64
import json
from collections.abc import Callable

import pytest
from esb_relay.errors import BadSignature
from esb_relay.keys.pairs import Curve, PrivateKey, generate
from esb_relay.wire.envelope import Envelope, read_envelope
from esb_relay.wire.signature import Verified, sign, verify
from esb_relay.wire.terms import Format, Spelling

AS_RECEIVED = {
    "json_raw": ('{ "n":1.10,"e":"\\u00e9" }', '{ "n":1.10,"e":"\\u00e9" }', Spelling.RAW),
    "json_minified": ('{ "n": 1.10 }', '{"n":1.10}', Spelling.MINIFIED),
    "json_number": ('{"n":1.10}', '{"n":1.1}', Spelling.CANONICAL),
    "json_pretty_number": ('{ "n" : 1e21 }', '{"n":1.0E21}', Spelling.CANONICAL),
    "json_string": ('{"e":"\\u00e9\\/\\u001f"}', '{"e":"é/\\u001F"}', Spelling.CANONICAL),
    "json_python": ('{"e":"é😀"}', '{"e":"\\u00e9\\ud83d\\ude00"}', Spelling.ASCII),
    "json_jackson_ascii": ('{"e":"é", "n":1.10}', '{"e":"\\u00E9","n":1.1}', Spelling.ASCII),
    "xml_raw": ("<data>\n<a>é</a ></data>", "<data>\n<a>é</a ></data>", Spelling.RAW),
    "xml_minified": (
        "<data>\n <a>&#38;</a>\n <b/></data>",
        "<data><a>&#38;</a><b/></data>",
        Spelling.MINIFIED,
    ),
    "xml_canonical": (
        "<data><a>&#38;&gt;</a><b/></data>",
        "<data><a>&amp;></a><b></b></data>",
        Spelling.CANONICAL,
    ),
    "xml_python": ("<data><a>é</a></data>", "<data><a>&#233;</a></data>", Spelling.ASCII),
    "xml_java": ("<data><a>é</a></data>", "<data><a>&#xe9;</a></data>", Spelling.ASCII),
}


@pytest.mark.parametrize(
    ("received", "signed", "spelling"), AS_RECEIVED.values(), ids=AS_RECEIVED.keys()
)
def test_signature_over_another_spelling_is_found(
    received: str, signed: str, spelling: Spelling, key: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    envelope = read_envelope(sealed(received, key, signed=signed))
    assert verify(envelope, [key.public]) == Verified(spelling, key.kid)
    assert envelope.data == received


@pytest.mark.parametrize(
    ("received", "signed"),
    [
        ('{"a":1}', '{"a":2}'),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":9,"a":1}', '{"a":1}'),
        ('{"a":" "}', '{"a":""}'),
        ('{"n":0.12345678901234567891}', '{"n":0.12345678901234568}'),
        ('{"n":12345678901234567890}', '{"n":12345678901234567000}'),
        ("<data><a>1</a></data>", "<data><a>2</a></data>"),
        ("<data><a> </a></data>", "<data><a></a></data>"),
        ("<data><a>1</a><b/><a>2</a></data>", "<data><a>1</a><a>2</a><b></b></data>"),
    ],
)
def test_signature_over_another_value_is_refused(
    received: str, signed: str, p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    with pytest.raises(BadSignature, match=p256.kid):
        verify(read_envelope(sealed(received, p256, signed=signed)), [p256.public])


def test_any_of_several_keys_may_vouch(
    keys: dict[Curve, PrivateKey], sealed: Callable[..., bytes]
) -> None:
    publics = [key.public for key in keys.values()]
    for key in keys.values():
        envelope = read_envelope(sealed('{"success":true}', key))
        assert verify(envelope, publics).kid == key.kid


def test_signature_of_an_unknown_key_is_refused(
    p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    envelope = read_envelope(sealed("{}", generate(Curve.SECP256R1)))
    with pytest.raises(BadSignature):
        verify(envelope, [p256.public])
    with pytest.raises(BadSignature, match="no key"):
        verify(envelope, [])


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " \t"])
def test_base64_with_line_breaks_is_read(line_break: str, key: PrivateKey) -> None:
    signature = sign("{}", key)
    broken = line_break.join((signature[:40], signature[40:], ""))
    assert verify(Envelope(Format.JSON, "{}", broken), [key.public]).verified_by is Spelling.RAW
    raw = f'{{"data":{{}},"signature":{json.dumps(broken)}}}'.encode()
    assert verify(read_envelope(raw), [key.public]).verified_by is Spelling.RAW


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "empty"),
        ("hakuna!", "not base64"),
        ("é", "not base64"),
        ("\ud800", "not base64"),
        ("YWI", "not base64"),
        (base64.b64encode(b"not DER").decode(), "not signed by"),
        (base64.b64encode(bytes(64)).decode(), "not signed by"),
        (base64.b64encode(bytes.fromhex("3006020100020100")).decode(), "not signed by"),
    ],
)
def test_signature_that_is_none_is_refused(signature: str, reason: str, key: PrivateKey) -> None:
    with pytest.raises(BadSignature, match=reason):
        verify(Envelope(Format.JSON, "{}", signature), [key.public])


def test_signature_is_over_utf8_text_in_der(p256: PrivateKey) -> None:
    der = base64.b64decode(sign('{"e":"é"}', p256))
    assert der[0] == 0x30
    assert p256.public.vouches(der, '{"e":"é"}'.encode())
