"""Encryption of an `esbBody` for one recipient.

`{"ephemeralKey","iv","encryptedData"}`: ECDH with a fresh key on the recipient's curve, the x
coordinate through HKDF-SHA256 (salt 32 zero bytes, info `aes-encryption`) to an AES-256-GCM key;
12-byte IV; `encryptedData` = base64 of the 16-byte tag and the ciphertext, in this order;
`ephemeralKey` = base64 of the PEM SPKI.
"""

import base64
import binascii
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from esb_relay.errors import BadCiphertext, KeyProblem, MalformedText
from esb_relay.keys.pairs import Encoding, PrivateKey, PublicKey, generate, parse_public_keys
from esb_relay.wire.json_span import members

_IV_BYTES, _TAG_BYTES, _KEY_BYTES = 12, 16, 32


def encrypt(plaintext: bytes, recipient: PublicKey) -> str:
    """The compact JSON that only the recipient can read."""
    ephemeral = generate(recipient.curve)
    iv = os.urandom(_IV_BYTES)
    sealed = _cipher(ephemeral.agree(recipient)).encrypt(iv, plaintext, None)
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    pem = ephemeral.public.encoded(Encoding.PEM)
    parts = {"ephemeralKey": pem, "iv": iv, "encryptedData": tag + ciphertext}
    text = {name: base64.b64encode(part).decode() for name, part in parts.items()}
    return json.dumps(text, separators=(",", ":"))


def decrypt(encrypted: str, recipient: PrivateKey) -> bytes:
    """The plaintext. Unknown members are ignored.

    Raises BadCiphertext: not this JSON, a key on another curve, altered, or made for another key.
    """
    parts = _parts(encrypted)
    try:
        ephemeral = parse_public_keys(parts["ephemeralKey"])[0]
    except KeyProblem as exc:
        raise BadCiphertext("`ephemeralKey` is not base64 of a public key's PEM") from exc
    if ephemeral.curve is not recipient.curve:
        raise BadCiphertext(f"encrypted on {ephemeral.curve}; the key is on {recipient.curve}")
    iv, data = parts["iv"], parts["encryptedData"]
    if len(iv) != _IV_BYTES or len(data) < _TAG_BYTES:
        raise BadCiphertext("`iv` is not 12 bytes or `encryptedData` too short")
    tag, ciphertext = data[:_TAG_BYTES], data[_TAG_BYTES:]
    try:
        return _cipher(recipient.agree(ephemeral)).decrypt(iv, ciphertext + tag, None)
    except InvalidTag as exc:
        raise BadCiphertext("altered on the way, or encrypted for another key") from exc


def _cipher(shared_secret: bytes) -> AESGCM:
    derivation = HKDF(SHA256(), length=_KEY_BYTES, salt=bytes(32), info=b"aes-encryption")
    return AESGCM(derivation.derive(shared_secret))


def _parts(encrypted: str) -> dict[str, bytes]:
    try:
        found = members(encrypted)
    except MalformedText as exc:
        raise BadCiphertext(f"not an encrypted body: {exc}") from exc
    return {
        name: _decoded(name, found[name].value if name in found else None)
        for name in ("ephemeralKey", "iv", "encryptedData")
    }


def _decoded(name: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise BadCiphertext(f"not an encrypted body: `{name}` is missing or no string")
    try:
        return base64.b64decode("".join(value.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise BadCiphertext(f"not an encrypted body: `{name}` is not base64") from exc
