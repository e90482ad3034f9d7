"""GovESB signatures: SHA-256 with ECDSA, ASN.1 DER, base64, over the UTF-8 text of `data`."""

import base64
import binascii
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from esb_relay.errors import BadSignature, MalformedText
from esb_relay.keys.pairs import PrivateKey, PublicKey
from esb_relay.wire import json_canonical, xml_canonical
from esb_relay.wire.envelope import Envelope
from esb_relay.wire.terms import Format, Spelling
from esb_relay.wire.xml_span import parse

#: In a larger `data` only the bytes as received are looked at: every spelling costs as much again.
MAX_SPELLED_BYTES = 1024 * 1024
#: Spellings times keys; the bytes as received are checked with every key.
MAX_VERIFICATIONS = 32


@dataclass(frozen=True, slots=True)
class Verified:
    """Which spelling of `data` the signature covers, and the key that vouches for it.

    `digest` is the SHA-256 of the text that was signed: the same for every copy of an envelope,
    however its `data` is spaced and its signature is written.
    """

    verified_by: Spelling
    kid: str
    digest: bytes = field(default=b"", repr=False, compare=False)


def sign(data: str, key: PrivateKey) -> str:
    """The base64 signature over the text of `data`, in XML with its `<data>` tags."""
    return base64.b64encode(key.sign(data.encode())).decode()


def verify(envelope: Envelope, keys: Sequence[PublicKey]) -> Verified:
    """Check an envelope against any of our correspondent's keys, the raw bytes first.

    All spellings tried stand for the same value. Raises BadSignature with a reason.
    """
    if not keys:
        raise BadSignature("there is no key to verify with")
    signature = _decoded(envelope.signature)
    most = max(1, MAX_VERIFICATIONS // len(keys))
    for spelling, text in itertools.islice(_spellings(envelope), most):
        data = text.encode()
        for key in keys:
            if key.vouches(signature, data):
                return Verified(spelling, key.kid, hashlib.sha256(data).digest())
    kids = ", ".join(key.kid for key in keys)
    if len(envelope.data) > MAX_SPELLED_BYTES:
        raise BadSignature(f"not signed by {kids} over its bytes; no spelling is tried over 1 MiB")
    raise BadSignature(f"not signed by {kids} in any known spelling")


def _decoded(signature: str) -> bytes:
    compact = "".join(signature.split())
    try:
        decoded = base64.b64decode(compact.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise BadSignature("the signature is not base64") from exc
    if not decoded:
        raise BadSignature("the signature is empty")
    return decoded


def _spellings(envelope: Envelope) -> Iterator[tuple[Spelling, str]]:
    tried = set()
    for spelling, text in _all_spellings(envelope):
        if text not in tried:
            tried.add(text)
            yield spelling, text


def _all_spellings(envelope: Envelope) -> Iterator[tuple[Spelling, str]]:
    data = envelope.data
    yield Spelling.RAW, data
    if len(data) > MAX_SPELLED_BYTES:
        return
    if envelope.format is Format.XML:
        try:
            element = parse(data)
        except MalformedText:
            return  # outside the subset only the bytes are what was signed
        yield Spelling.MINIFIED, xml_canonical.minified(element)
        yield Spelling.CANONICAL, xml_canonical.canonical(element)
        for text in xml_canonical.ascii_spellings(element):
            yield Spelling.ASCII, text
        return
    spellings = json_canonical.Spellings(data)
    yield Spelling.MINIFIED, spellings.minified()
    yield Spelling.CANONICAL, spellings.canonical()
    for text in spellings.ascii():
        yield Spelling.ASCII, text
    for text in spellings.unescaped():
        yield Spelling.CANONICAL, text
    for text in spellings.further_ascii():
        yield Spelling.ASCII, text
