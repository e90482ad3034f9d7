"""`sign/`, `verify/`, `encrypt/`, `decrypt/` and `keys/`: the protocol's parts by themselves."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as ser
from esb_relay.demo.messages import Seal
from esb_relay.keys.pairs import Curve, Encoding, PrivateKey, generate
from esb_relay.wire.ecies import decrypt
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.signature import verify
from flask import Flask

JSON, XML, BYTES = "application/json", "application/xml", "application/octet-stream"
XML_BODY = b"<esbBody><n>1.10</n></esbBody>"


def post(api: Any, path: str, data: bytes, content_type: str = JSON) -> Any:
    return api.ask("POST", path, data=data, content_type=content_type)


# --- sign and verify


@pytest.mark.parametrize(
    ("query", "content_type", "body", "data"),
    [
        ("code=A1", JSON, b'{"n": 1.10}', '{"apiCode":"A1","esbBody":{"n":1.1}}'),
        ("code=P1&mode=push", JSON, b"null", '{"pushCode":"P1","esbBody":null}'),
        ("code=A1", JSON, b"", '{"apiCode":"A1"}'),
        (
            "code=A1&mode=nida&user_id=U1",
            JSON,
            b"{}",
            '{"apiCode":"A1","userId":"U1","esbBody":{"Payload":{}}}',
        ),
        (
            "code=A1",
            XML,
            XML_BODY,
            "<data><apiCode>A1</apiCode><esbBody><n>1.10</n></esbBody></data>",
        ),
    ],
)
def test_signed_envelope_is_the_one_that_would_be_sent(
    api: Any, p256: PrivateKey, query: str, content_type: str, body: bytes, data: str
) -> None:
    answer = post(api, f"sign/?{query}", body, content_type)

    assert answer.status_code == 200, answer.text
    assert answer.content_type == f"{content_type}; charset=utf-8"
    envelope = read_envelope(answer.data)
    assert envelope.data == data
    verify(envelope, [p256.public])
    said = post(api, "verify/?key=own", answer.data, BYTES).get_json()
    assert (said["ok"], said["valid"], said["verified_by"]) == (True, True, "raw")
    assert (said["kid"], said["reason"]) == (p256.kid, None)


@pytest.mark.parametrize(
    ("query", "content_type", "body", "status", "named"),
    [
        ("", JSON, b"{}", 422, "code"),
        ("code=%20", JSON, b"{}", 422, "code"),
        ("code=A&mode=pull", JSON, b"{}", 422, "mode"),
        ("code=A&mode=nida", JSON, b"{}", 422, "user_id"),
        ("code=A&surprise=1", JSON, b"{}", 422, "surprise"),
        ("code=A&code=B", JSON, b"{}", 422, "code"),
        ("code=A", "text/plain", b"{}", 415, "application/json or application/xml"),
        ("code=A", JSON, b"{", 422, "not JSON"),
        ("code=A", JSON, b"\xff", 400, "not UTF-8"),
        ("code=A", JSON, b'{"a":1,"a":2}', 422, "a"),
        ("code=A", XML, b"<a></b>", 422, "not XML"),
        ("code=A", XML, b'<esbBody x="1"></esbBody>', 422, "attribute"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    api: Any, query: str, content_type: str, body: bytes, status: int, named: str
) -> None:
    answer = post(api, f"sign/?{query}", body, content_type)

    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert named in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "nothing was received"),
        (b"\xff", "not UTF-8"),
        (b"<html></html>", "no envelope"),
        (b'{"data":{}}', "not signed"),
        (b'{"data":{},"signature":"AAAA"}', ""),
    ],
)
def test_whatever_was_read_gets_a_verdict(api: Any, raw: bytes, reason: str) -> None:
    answer = post(api, "verify/", raw, BYTES)

    assert answer.status_code == 200
    said = answer.get_json()
    assert (said["ok"], said["valid"], said["verified_by"], said["kid"]) == (
        True,
        False,
        None,
        None,
    )
    assert reason in said["reason"]


def test_envelope_of_the_bus_is_valid_and_an_altered_one_is_not(
    api: Any, esb_key: PrivateKey
) -> None:
    envelope = Seal(esb_key).envelope('{"success":true,"n":1.10}')

    assert post(api, "verify/", envelope).get_json()["kid"] == esb_key.kid
    altered = post(api, "verify/", envelope.replace(b"1.10", b"1.20")).get_json()
    assert (altered["valid"], altered["verified_by"]) == (False, None)
    assert post(api, "verify/?key=own", envelope).get_json()["valid"] is False
    assert post(api, f"verify/?key={esb_key.kid}", envelope).get_json()["valid"] is True
    assert post(api, "verify/?key=nobody", envelope).status_code == 422


# --- encrypt and decrypt


def test_what_is_encrypted_for_us_can_be_decrypted(api: Any) -> None:
    encrypted = post(api, "encrypt/?to=own", b"\x00 any bytes \xff", BYTES)

    assert encrypted.status_code == 200, encrypted.text
    assert b"\\/" not in encrypted.data
    decrypted = post(api, "decrypt/", encrypted.data)
    assert (decrypted.status_code, decrypted.data) == (200, b"\x00 any bytes \xff")
    assert decrypted.content_type == BYTES


def test_what_is_encrypted_for_the_bus_only_the_bus_can_decrypt(
    api: Any, esb_key: PrivateKey
) -> None:
    for name in ("esb", esb_key.kid):
        encrypted = post(api, f"encrypt/?to={name}", b"habari")
        assert decrypt(encrypted.text, esb_key) == b"habari"
        answer = post(api, "decrypt/", encrypted.data)
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"iv":1}', b"x"])
def test_what_is_no_ciphertext_is_refused(api: Any, body: bytes) -> None:
    assert post(api, "decrypt/", body).status_code in (400, 422)


def test_unknown_recipient_is_named(api: Any) -> None:
    answer = post(api, "encrypt/?to=nobody", b"x")
    assert (answer.status_code, answer.get_json()["errors"]) == (
        422,
        {"to": ["no key is called nobody"]},
    )
    assert post(api, "encrypt/", b"x").status_code == 422


# --- keys


def test_keys_are_listed_by_role_without_a_private_one(
    app_with: Callable[..., Flask],
    api_of: Callable[..., Any],
    keys: dict[Curve, PrivateKey],
    p256: PrivateKey,
    esb_key: PrivateKey,
) -> None:
    recipient, next_esb = keys[Curve.SECP521R1], generate(Curve.SECP256K1)
    pems = [key.public.encoded(Encoding.DER_B64).decode() for key in (esb_key, next_esb)]
    public = recipient.public.encoded(Encoding.PEM).decode()
    api = api_of(app_with(esb_public_keys=",".join(pems), recipient_public_keys=public))
    answer = api.ask("GET", "keys/")

    found = answer.get_json()
    assert (found["ok"], found["count"], found["next_cursor"]) == (True, 4, None)
    assert [(one["role"], one["kid"], one["curve"]) for one in found["data"]] == [
        ("own", p256.kid, "secp256r1"),
        ("esb", esb_key.kid, "secp256r1"),
        ("esb", next_esb.kid, "secp256k1"),
        ("recipient", recipient.kid, "secp521r1"),
    ]
    for one in found["data"]:
        assert one.keys() == {"role", "kid", "curve", "fingerprint"}
        assert one["fingerprint"].startswith(one["kid"])


@pytest.mark.parametrize("encoding", ["", "pem", "der", "der_b64"])
def test_public_key_is_given_in_every_encoding(api: Any, p256: PrivateKey, encoding: str) -> None:
    query = f"?encoding={encoding}" if encoding else ""
    answer = api.ask("GET", f"keys/{p256.kid}/public/{query}")

    assert answer.status_code == 200
    raw = base64.b64decode(answer.data) if encoding == "der_b64" else answer.data
    load = ser.load_pem_public_key if encoding in ("", "pem") else ser.load_der_public_key
    spki = ser.PublicFormat.SubjectPublicKeyInfo
    assert load(raw).public_bytes(ser.Encoding.DER, spki) == p256.public.encoded(Encoding.DER)


def test_unknown_key_or_encoding_is_refused(api: Any, p256: PrivateKey) -> None:
    assert api.ask("GET", "keys/nobody/public/").status_code == 404
    assert api.ask("GET", f"keys/{p256.kid}/public/?encoding=jwk").status_code == 422


@pytest.mark.parametrize(
    ("path", "variable"),
    [
        ("sign/?code=A", "CLIENT_PRIVATE_KEY"),
        ("decrypt/", "CLIENT_PRIVATE_KEY"),
        ("verify/", "GOV_ESB_PUBLIC_KEY"),
        ("encrypt/?to=esb", "GOV_ESB_PUBLIC_KEY"),
    ],
)
def test_missing_key_is_named_by_the_call_that_needs_it(
    app_with: Callable[..., Flask], api_of: Callable[..., Any], path: str, variable: str
) -> None:
    api = api_of(app_with(private_key=None, esb_public_keys=None))
    answer = post(api, path, json.dumps({}).encode())

    assert answer.status_code == 503
    assert variable in answer.get_json()["detail"]
    assert api.ask("GET", "keys/").get_json()["data"] == []
