"""Every encoding of every curve's keys, and what is refused."""

import base64
import pickle

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from esb_relay.errors import KeyProblem, UnreadableKey, UnsupportedCurve
from esb_relay.keys.pairs import (
    Curve,
    Encoding,
    PrivateKey,
    parse_private_key,
    parse_public_keys,
)

_PLAIN = ser.NoEncryption()
_PKCS8, _SEC1 = ser.PrivateFormat.PKCS8, ser.PrivateFormat.TraditionalOpenSSL
_SPKI = ser.PublicFormat.SubjectPublicKeyInfo


def _writings(pem: bytes, der: bytes) -> dict[str, str | bytes]:
    """The ways one key is written down."""
    flat = base64.b64encode(der).decode()
    return {
        "pem": pem.decode(),
        "pem_bytes": pem,
        "pem_crlf": pem.decode().replace("\n", "\r\n"),
        "pem_written_breaks": pem.decode().strip().replace("\n", "\\n"),
        "pem_breaks_lost": pem.decode().replace("\n", " "),
        "pem_one_line": pem.decode().replace("\n", ""),
        "pem_among_text": "EC key of the bus:\n" + pem.decode() + "\nend",
        "der": der,
        "der_base64": flat,
        "der_base64_broken": base64.encodebytes(der).decode(),
        "der_base64_crlf": "\r\n".join(flat[at : at + 64] for at in range(0, len(flat), 64)),
        "der_base64_written_breaks": flat[:64] + "\\n" + flat[64:],
        "pem_base64": base64.b64encode(pem).decode(),
        "pem_base64_broken": base64.encodebytes(pem).decode(),
    }


WRITINGS = list(_writings(b"", b""))


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("form", [_PKCS8, _SEC1], ids=["pkcs8", "sec1"])
def test_private_key_is_read(writing: str, form: ser.PrivateFormat, key: PrivateKey) -> None:
    secret = ser.load_pem_private_key(key.pem(), None)
    pem, der = (secret.private_bytes(e, form, _PLAIN) for e in (ser.Encoding.PEM, ser.Encoding.DER))
    read = parse_private_key(_writings(pem, der)[writing])
    assert (read.kid, read.curve) == (key.kid, key.curve)
    assert key.public.vouches(read.sign(b"x"), b"x")


@pytest.mark.parametrize("writing", WRITINGS)
def test_public_key_is_read(writing: str, key: PrivateKey) -> None:
    pem, der = key.public.encoded(Encoding.PEM), key.public.encoded(Encoding.DER)
    (read,) = parse_public_keys(_writings(pem, der)[writing])
    assert read == key.public


def test_handed_out_encodings_are_read_back(key: PrivateKey) -> None:
    for encoding in Encoding:
        assert parse_public_keys(key.public.encoded(encoding)) == (key.public,)


def test_compressed_point_is_the_same_key(key: PrivateKey) -> None:
    point = key.public.ec_key.public_bytes(ser.Encoding.X962, ser.PublicFormat.CompressedPoint)
    spki = key.public.encoded(Encoding.DER)
    start = 2 if spki[1] < 0x80 else 3
    algorithm = spki[start : start + 2 + spki[start + 1]]
    bits = b"\x03" + bytes([len(point) + 1]) + b"\x00" + point
    content = algorithm + bits
    assert parse_public_keys(b"\x30" + bytes([len(content)]) + content)[0].kid == key.kid


def test_several_public_keys_in_one_pem_text(keys: dict[Curve, PrivateKey]) -> None:
    bundle = b"\n".join(key.public.encoded(Encoding.PEM) for key in keys.values())
    assert parse_public_keys(bundle) == tuple(key.public for key in keys.values())


def test_parameters_block_of_openssl_is_passed_over(p256: PrivateKey) -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert parse_private_key(parameters + p256.pem().decode()).kid == p256.kid


def test_kid_begins_the_fingerprint_of_the_spki(p256: PrivateKey) -> None:
    assert p256.kid == p256.public.kid == p256.public.fingerprint[:16]
    assert len(p256.public.fingerprint) == 64


@pytest.mark.parametrize(
    "source",
    ["", " ", "hello", "é", "AAAA", "MAAA", "-----BEGIN PRIVATE KEY-----", b"\x30\x00", b"\x00",
     "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----",
     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
     base64.b64encode(b"-----BEGIN \xff").decode()],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_key_is_refused(source: str | bytes) -> None:
    with pytest.raises(UnreadableKey):
        parse_private_key(source)
    with pytest.raises(UnreadableKey):
        parse_public_keys(source)


def test_the_other_half_of_a_pair_is_refused(p256: PrivateKey) -> None:
    with pytest.raises(UnreadableKey, match="PUBLIC KEY"):
        parse_private_key(p256.public.encoded(Encoding.PEM))
    with pytest.raises(UnreadableKey, match="PRIVATE KEY"):
        parse_public_keys(p256.pem())
    with pytest.raises(UnreadableKey):
        parse_private_key(p256.public.encoded(Encoding.DER_B64))


def test_several_private_keys_are_refused(p256: PrivateKey) -> None:
    with pytest.raises(UnreadableKey, match="several"):
        parse_private_key(p256.pem() * 2)


@pytest.mark.parametrize("form", [_PKCS8, _SEC1], ids=["pkcs8", "sec1"])
def test_key_behind_a_passphrase_is_refused(form: ser.PrivateFormat) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    pem = secret.private_bytes(ser.Encoding.PEM, form, ser.BestAvailableEncryption(b"siri"))
    with pytest.raises(UnreadableKey, match="passphrase"):
        parse_private_key(pem)


@pytest.mark.parametrize(
    "secret",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["p384", "brainpool", "ed25519", "rsa"],
)
def test_key_that_govesb_does_not_use_is_refused(
    secret: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
) -> None:
    with pytest.raises(UnsupportedCurve):
        parse_private_key(secret.private_bytes(ser.Encoding.PEM, _PKCS8, _PLAIN))
    with pytest.raises(UnsupportedCurve):
        parse_public_keys(secret.public_key().public_bytes(ser.Encoding.PEM, _SPKI))


def test_private_key_never_shows_itself(key: PrivateKey) -> None:
    secret = ser.load_pem_private_key(key.pem(), None)
    assert isinstance(secret, ec.EllipticCurvePrivateKey)
    number = secret.private_numbers().private_value
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert "PRIVATE" not in shown
        assert not any(spelled in shown for spelled in (str(number), f"{number:x}", "ec_key"))
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_errors_do_not_repeat_a_damaged_key(p256: PrivateKey) -> None:
    line = p256.pem().decode().splitlines()[1]
    for damaged in (f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----", line):
        with pytest.raises(KeyProblem) as refused:
            parse_private_key(damaged)
        assert line[:10] not in str(refused.value)
