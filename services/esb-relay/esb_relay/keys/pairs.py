"""Keys of the relay and of its correspondents: the three curves, their names, what they can do.

A private key never shows itself: not in a repr, not in an error, not in an answer.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from esb_relay.errors import UnreadableKey, UnsupportedCurve
from esb_relay.keys.encodings import PRIVATE_LABELS, PUBLIC_LABELS, key_ders

_SIGNATURE = ec.ECDSA(SHA256())
_KID_DIGITS = 16


class Curve(StrEnum):
    """The elliptic curves in use with GovESB."""

    SECP256K1 = "secp256k1"
    SECP256R1 = "secp256r1"
    SECP521R1 = "secp521r1"


class Encoding(StrEnum):
    """How a public key is handed out."""

    PEM = "pem"
    DER = "der"
    DER_B64 = "der_b64"  # one line, what most connectors are configured with


_CURVES: dict[Curve, ec.EllipticCurve] = {
    Curve.SECP256K1: ec.SECP256K1(),
    Curve.SECP256R1: ec.SECP256R1(),
    Curve.SECP521R1: ec.SECP521R1(),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key to verify with or encrypt to. `fingerprint`: SHA-256 of its SPKI DER, in hex.

    `kid` is the fingerprint's beginning, the same for the key in whatever encoding it came.
    """

    kid: str
    curve: Curve
    fingerprint: str = field(repr=False)
    ec_key: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    def vouches(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made the DER signature over the data."""
        try:
            self.ec_key.verify(signature, data, _SIGNATURE)
        except InvalidSignature:
            return False
        return True

    def encoded(self, encoding: Encoding) -> bytes:
        """The key as SubjectPublicKeyInfo."""
        if encoding is Encoding.PEM:
            return _spki(self.ec_key, serialization.Encoding.PEM)
        der = _spki(self.ec_key, serialization.Encoding.DER)
        return der if encoding is Encoding.DER else base64.b64encode(der)


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKey:
    """A key to sign and decrypt with. Only `pem` reveals it."""

    public: PublicKey
    _ec_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        """The name of the pair."""
        return self.public.kid

    @property
    def curve(self) -> Curve:
        """The curve of the pair."""
        return self.public.curve

    def sign(self, data: bytes) -> bytes:
        """The ASN.1 DER signature, SHA-256 with ECDSA."""
        return self._ec_key.sign(data, _SIGNATURE)

    def agree(self, other: PublicKey) -> bytes:
        """The ECDH secret (x coordinate) with a public key on the same curve."""
        return self._ec_key.exchange(ec.ECDH(), other.ec_key)

    def pem(self) -> bytes:
        """The secret itself as PKCS#8 PEM, for a file that only its owner can read."""
        return self._ec_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def generate(curve: Curve) -> PrivateKey:
    """A new key pair."""
    return _private(ec.generate_private_key(_CURVES[curve]))


def parse_private_key(source: str | bytes) -> PrivateKey:
    """The private key in a text or DER (PKCS#8 or SEC1). Raises UnreadableKey, UnsupportedCurve."""
    ders = key_ders(source, PRIVATE_LABELS)
    if len(ders) > 1:
        raise UnreadableKey("several private keys where one belongs")
    try:
        key = serialization.load_der_private_key(ders[0], password=None)
    except (ValueError, TypeError) as exc:
        raise UnreadableKey("not a PKCS#8 or SEC1 private key") from exc
    except UnsupportedAlgorithm as exc:
        raise UnsupportedCurve("a private key of an unknown algorithm or curve") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnsupportedCurve("not an elliptic-curve private key")
    return _private(key)


def parse_public_keys(source: str | bytes) -> tuple[PublicKey, ...]:
    """Every public key (SPKI) in a text or DER. Raises UnreadableKey, UnsupportedCurve."""
    return tuple(_parse_public_der(der) for der in key_ders(source, PUBLIC_LABELS))


def _private(key: ec.EllipticCurvePrivateKey) -> PrivateKey:
    return PrivateKey(_public(key.public_key()), key)


def _public(key: ec.EllipticCurvePublicKey) -> PublicKey:
    try:
        curve = Curve(key.curve.name)
    except ValueError as exc:
        raise UnsupportedCurve(f"{key.curve.name} is not in use with GovESB") from exc
    fingerprint = hashlib.sha256(_spki(key, serialization.Encoding.DER)).hexdigest()
    return PublicKey(fingerprint[:_KID_DIGITS], curve, fingerprint, key)


def _parse_public_der(der: bytes) -> PublicKey:
    try:
        key = serialization.load_der_public_key(der)
    except ValueError as exc:
        raise UnreadableKey("not a SubjectPublicKeyInfo public key") from exc
    except UnsupportedAlgorithm as exc:
        raise UnsupportedCurve("a public key of an unknown algorithm or curve") from exc
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise UnsupportedCurve("not an elliptic-curve public key")
    return _public(key)


def _spki(key: ec.EllipticCurvePublicKey, encoding: serialization.Encoding) -> bytes:
    return key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
