"""GovESB signatures: SHA-256 with ECDSA, ASN.1 DER, base64, over the UTF-8 text of `data`."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from esb_relay.errors import BadSignature
from esb_relay.keys import PrivateKey, PublicKey
from esb_relay.wire import json_canonical, xml_canonical
from esb_relay.wire.envelope import Envelope
from esb_relay.wire.terms import Format, Spelling
from esb_relay.wire.xml_span import parse


@dataclass(frozen=True, slots=True)
class Verified:
    """Which spelling of `data` the signature covers, and the key that vouches for it."""

    verified_by: Spelling
    kid: str


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
    for spelling, text in _spellings(envelope):
        data = text.encode()
        for key in keys:
            if key.vouches(signature, data):
                return Verified(spelling, key.kid)
    raise BadSignature(f"not signed by {', '.join(key.kid for key in keys)} in any known spelling")


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
    if envelope.format is Format.XML:
        element = parse(data)
        yield Spelling.MINIFIED, xml_canonical.minified(element)
        yield Spelling.CANONICAL, xml_canonical.canonical(element)
        ascii_texts = xml_canonical.ascii_spellings(element)
    else:
        yield Spelling.MINIFIED, json_canonical.minified(data)
        yield Spelling.CANONICAL, json_canonical.canonical(data)
        ascii_texts = json_canonical.ascii_spellings(data)
    for text in ascii_texts:
        yield Spelling.ASCII, text
