"""Encryption of bodies."""

import base64
import json

import pytest
from esb_relay.errors import BadCiphertext
from esb_relay.keys.pairs import Curve, Encoding, PrivateKey, generate
from esb_relay.wire.ecies import decrypt, encrypt
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "plaintext", [b"", b"{}", "Mwanaïsha 😀".encode(), bytes(range(256)) * 300]
)
def test_recipient_reads_what_was_encrypted(plaintext: bytes, key: PrivateKey) -> None:
    assert decrypt(encrypt(plaintext, key.public), key) == plaintext


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_come_back(plaintext: bytes) -> None:
    assert decrypt(encrypt(plaintext, _KEY.public), _KEY) == plaintext


_KEY = generate(Curve.SECP256R1)


def test_shape_of_the_ciphertext(key: PrivateKey) -> None:
    text = encrypt(b"siri", key.public)
    parts = json.loads(text)
    assert list(parts) == ["ephemeralKey", "iv", "encryptedData"]
    assert " " not in text
    assert "\\" not in text
    assert len(base64.b64decode(parts["iv"])) == 12
    assert len(base64.b64decode(parts["encryptedData"])) == 16 + len(b"siri")
    assert base64.b64decode(parts["ephemeralKey"]).startswith(b"-----BEGIN PUBLIC KEY-----")


def test_nothing_repeats_between_two_encryptions(p256: PrivateKey) -> None:
    first, second = (json.loads(encrypt(b"siri", p256.public)) for _ in range(2))
    assert all(first[name] != second[name] for name in first)


def test_pretty_printed_ciphertext_with_line_breaks_is_read(p256: PrivateKey) -> None:
    parts = json.loads(encrypt(b"siri" * 40, p256.public))
    broken = {name: "\n".join((text[:20], text[20:])) for name, text in parts.items()}
    assert decrypt(json.dumps(broken | {"more": 1}, indent=2), p256) == b"siri" * 40


def test_other_key_on_the_curve_cannot_read(key: PrivateKey) -> None:
    with pytest.raises(BadCiphertext, match="another key"):
        decrypt(encrypt(b"siri", generate(key.curve).public), key)


def test_other_curve_is_named(keys: dict[Curve, PrivateKey]) -> None:
    encrypted = encrypt(b"siri", keys[Curve.SECP256K1].public)
    with pytest.raises(BadCiphertext, match=r"secp256k1.*secp521r1"):
        decrypt(encrypted, keys[Curve.SECP521R1])


@pytest.mark.parametrize("position", [0, 15, 16, -1])
def test_altered_ciphertext_is_refused(position: int, p256: PrivateKey) -> None:
    parts = json.loads(encrypt(b"siri", p256.public))
    data = bytearray(base64.b64decode(parts["encryptedData"]))
    data[position] ^= 1
    parts["encryptedData"] = base64.b64encode(data).decode()
    with pytest.raises(BadCiphertext, match="altered"):
        decrypt(json.dumps(parts), p256)


@pytest.mark.parametrize(
    "change",
    [
        {"ephemeralKey": None},
        {"ephemeralKey": 1},
        {"ephemeralKey": "!"},
        {"ephemeralKey": "c2tpcA=="},
        {"ephemeralKey": base64.b64encode(b"/etc/hostname").decode()},
        {"iv": ""},
        {"iv": base64.b64encode(bytes(16)).decode()},
        {"encryptedData": base64.b64encode(bytes(15)).decode()},
        {"encryptedData": "\ud800"},
    ],
)
def test_broken_ciphertext_is_refused(change: dict[str, object], p256: PrivateKey) -> None:
    parts = json.loads(encrypt(b"siri", p256.public)) | change
    with pytest.raises(BadCiphertext):
        decrypt(json.dumps(parts), p256)


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"iv":"","iv":""}'])
def test_what_is_no_ciphertext_is_refused(text: str, p256: PrivateKey) -> None:
    with pytest.raises(BadCiphertext):
        decrypt(text, p256)


def test_ephemeral_key_off_the_curve_is_refused(p256: PrivateKey) -> None:
    der = bytearray(p256.public.encoded(Encoding.DER))
    der[-1] ^= 1
    parts = json.loads(encrypt(b"siri", p256.public))
    parts["ephemeralKey"] = base64.b64encode(der).decode()
    with pytest.raises(BadCiphertext):
        decrypt(json.dumps(parts), p256)
