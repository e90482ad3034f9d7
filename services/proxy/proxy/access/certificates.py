"""Certificates of clients: what a client is bound to, and what nginx hands on of one. Pure.

A client names a certificate by its fingerprint (`sha256:` and 64 hexadecimal digits) or by its
subject (RFC 4514, `CN=clinic,O=Ministry of Health`). Whether it is signed and in time was checked
by nginx, which overwrites the header; from anybody else the header says nothing.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from common.networks import Network
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.access.addresses import is_within

HEADER = "X-Kiungo-Client-Certificate"
FINGERPRINT = "sha256:"
#: Between the parts of a subject, as openssl prints it; a comma within a part is escaped.
_SPACED_COMMA = re.compile(r"(?<!\\),\s+")
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Presented:
    """A certificate that a caller proved to hold, by both of its names."""

    fingerprint: str
    subject: str

    @property
    def names(self) -> tuple[str, str]:
        """What a client may be bound by, the narrower first."""
        return self.fingerprint, self.subject


def vouched_for(header: str, peer: str, trusted: tuple[Network, ...]) -> Presented | None:
    """The certificate of a call whose header says `header`, if `peer` may say so."""
    return _read(header) if is_within(peer, trusted) else None


@lru_cache(maxsize=4096)
def _read(header: str) -> Presented | None:
    """A PEM certificate, percent-encoded."""
    try:
        found = x509.load_pem_x509_certificate(unquote(header).encode())
        subject = found.subject.rfc4514_string()
    except ValueError:
        return None
    fingerprint = hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest()
    return Presented(FINGERPRINT + fingerprint, subject)


def binding(text: str) -> str:
    """What a client is bound to, in the one spelling that is compared. Raises ValueError."""
    text = text.strip()
    digits = text.lower().removeprefix(FINGERPRINT).replace(":", "").replace(" ", "")
    if _HEX.fullmatch(digits):
        return FINGERPRINT + digits
    subject = x509.Name.from_rfc4514_string(_SPACED_COMMA.sub(",", text)).rfc4514_string()
    if not subject:
        raise ValueError("an empty subject names nobody")
    return subject
