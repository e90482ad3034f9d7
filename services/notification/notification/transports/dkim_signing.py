"""DKIM (RFC 6376): mails signed in the name of the sender's domain, for those who deliver them."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from common.settings import SettingError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from notification.mails.dns_advice import Signing

#: What is signed, whether it is there or not: nobody may add one of these. One-click
#: unsubscription asks for its two fields (RFC 8058, section 4).
SIGNED_FIELDS = (
    *("from", "from", "reply-to", "to", "subject", "date", "message-id"),
    *("list-unsubscribe", "list-unsubscribe-post"),
    *("mime-version", "content-type", "content-transfer-encoding"),
)
#: Receivers ignore shorter keys (RFC 8301).
LEAST_KEY_BITS = 1024


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """Signs with a key whose public half stands in DNS at `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, domain: str, selector: str, key_file: Path) -> "DkimSigner":
        """With the RSA key of a PEM file. Raises SettingError, which names what is wrong."""
        try:
            key = load_pem_private_key(key_file.read_bytes(), password=None)
        except OSError as exc:
            words = f"NOTIFICATION_DKIM_KEY_FILE cannot be read ({exc.strerror})"
            raise SettingError(words) from None
        except (ValueError, TypeError):
            raise SettingError("NOTIFICATION_DKIM_KEY_FILE holds no PEM key") from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_KEY_BITS:
            words = (
                f"NOTIFICATION_DKIM_KEY_FILE must hold an RSA key of {LEAST_KEY_BITS} bits or more"
            )
            raise SettingError(words)
        plain = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return cls(domain, selector, key.private_bytes(*plain))

    @property
    def published(self) -> Signing:
        """What has to stand in DNS."""
        key = load_pem_private_key(self.key, password=None)
        assert isinstance(key, RSAPrivateKey)
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Signing(self.selector, base64.b64encode(der).decode(), key.key_size)

    def signed(self, mail: bytes) -> bytes:
        """The mail, with its signature in front."""
        import dkim  # with all of DNS: only for who signs

        signature: bytes = dkim.sign(
            mail,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name.encode() for name in SIGNED_FIELDS],
        )
        return signature + mail
