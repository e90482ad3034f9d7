"""DKIM (RFC 6376) checked by a reader of its own: nothing here is shared with what signs."""

import base64
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


def is_good(mail: bytes, key: RSAPublicKey) -> bool:
    """Whether the first signature of `mail` is `key`'s, relaxed in header and body."""
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = [_field(one) for one in re.split(rb"\r\n(?![ \t])", head)]
    name, written = fields[0]
    if name != b"dkim-signature":
        return False
    tags = dict(re.findall(rb"([a-z]+)=([^;]*)", re.sub(rb"\s+", b"", written)))
    assert (tags[b"a"], tags[b"c"]) == (b"rsa-sha256", b"relaxed/relaxed")
    if base64.b64decode(tags[b"bh"]) != hashlib.sha256(_body(body)).digest():
        return False
    left, signed = fields[1:], b""
    for wanted in tags[b"h"].lower().split(b":"):
        # The last one of a name first; a name that is signed once too often must not be there.
        place = max((at for at, (one, _) in enumerate(left) if one == wanted), default=None)
        if place is not None:
            signed += wanted + b":" + left.pop(place)[1] + b"\r\n"
    unsigned = re.sub(rb"(?<=[; ])b=[^;]*", b"b=", written)
    try:
        value = base64.b64decode(tags[b"b"])
        key.verify(value, signed + name + b":" + unsigned, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _field(raw: bytes) -> tuple[bytes, bytes]:
    """Name and value, relaxed (3.4.2)."""
    name, _, value = raw.partition(b":")
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower(), re.sub(rb"[ \t]+", b" ", unfolded).strip()


def _body(body: bytes) -> bytes:
    """Relaxed (3.4.4)."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
