"""From the many ways a key is written down to its DER bytes. Nothing here touches a file."""

import base64
import binascii
import re

from esb_relay.errors import UnreadableKey

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_PEM_MARK = "-----BEGIN "
_DER_SEQUENCE = b"\x30"
_IGNORED = {"EC PARAMETERS"}  # openssl writes this block before a SEC1 key; the key names its curve
PRIVATE_LABELS = frozenset({"PRIVATE KEY", "EC PRIVATE KEY"})
PUBLIC_LABELS = frozenset({"PUBLIC KEY"})


def is_key_text(text: str) -> bool:
    """Whether the text is meant as a key itself, and not as the name of a file."""
    if _PEM_MARK in text:
        return True
    decoded = _base64(text)
    return decoded is not None and decoded.startswith((_DER_SEQUENCE, _PEM_MARK.encode()))


def key_ders(source: str | bytes, labels: frozenset[str]) -> list[bytes]:
    """The DER of every key in `source`: PEM blocks, base64 of DER, base64 of PEM, or DER itself.

    Line breaks may be real, written as `\\n`, or lost. `labels` says which PEM blocks are welcome.
    Raises UnreadableKey: none of these, or a block of another kind.
    """
    if isinstance(source, bytes) and source.startswith(_DER_SEQUENCE):
        return [source]
    text = source if isinstance(source, str) else source.decode("ascii", errors="replace")
    if _PEM_MARK in text:
        return _pem_blocks(text, labels)
    decoded = _base64(text)
    if decoded and decoded.startswith(_DER_SEQUENCE):
        return [decoded]
    if decoded and decoded.startswith(_PEM_MARK.encode()):
        return _pem_blocks(decoded.decode("ascii", errors="replace"), labels)
    raise UnreadableKey("neither PEM nor base64 of a DER or PEM key")


def _pem_blocks(text: str, labels: frozenset[str]) -> list[bytes]:
    blocks = [block for block in _BLOCK.findall(text) if block[0] not in _IGNORED]
    if not blocks:
        raise UnreadableKey("a PEM text without a complete block")
    return [_pem_block(label, content, labels) for label, content in blocks]


def _pem_block(label: str, content: str, labels: frozenset[str]) -> bytes:
    if "ENCRYPTED" in label or "ENCRYPTED" in content:
        raise UnreadableKey("the key is protected by a passphrase; give it unprotected")
    if label not in labels:
        raise UnreadableKey(f"a PEM block {label!r} where {' or '.join(sorted(labels))} belongs")
    decoded = _base64(content)
    if decoded is None:
        raise UnreadableKey(f"the PEM block {label!r} is not base64")
    return decoded


def _base64(text: str) -> bytes | None:
    compact = "".join(text.replace("\\r", "").replace("\\n", "").split())
    try:
        return base64.b64decode(compact.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
