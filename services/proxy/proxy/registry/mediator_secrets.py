"""A mediator's credentials and certificates: sealed when saved, opened where calls are made."""

import ssl
import tempfile
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from common.errors import Invalid
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.models import Mediator
from proxy.record.masks import MASK
from proxy.record.sealing import Sealer
from proxy.registry.credentials import field_of, settled

#: Fields that hold a secret.
_SECRETS = frozenset({"credentials", "client_key"})
_CERTIFICATES = ("ca_certificates", "client_certificate")
_TLS_FIELD = "client_certificate"


def seal_secrets(sealer: Sealer, mediator: Mediator, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as the columns take them. Raises Invalid naming the field."""
    kept = {name: value for name, value in changes.items() if name not in _SECRETS}
    if not {*_SECRETS, *_CERTIFICATES} & changes.keys():
        return kept
    try:
        secrets = opened(sealer, mediator)
    except ValueError:  # lost: they are given anew
        secrets = {}
    if "credentials" in changes:
        kept["credentials"] = None
        given, before = changes["credentials"], mediator.credentials
        was = secrets.pop("secret", "")
        if given is not None:
            found = settled(given, before, was, "credentials")
            secrets["secret"] = found.pop("secret")
            kept["credentials"] = found
    for name in _CERTIFICATES:
        kept.setdefault(name, getattr(mediator, name) or "")
    key = changes.get("client_key", MASK)
    if key == MASK:
        key = secrets.get("client_key", "") if kept["client_certificate"] else ""
    secrets = {name: value for name, value in {**secrets, "client_key": key}.items() if value}
    check_tls(kept["ca_certificates"], kept["client_certificate"], secrets.get("client_key", ""))
    kept["has_client_key"] = bool(secrets.get("client_key"))
    kept["sealed_secrets"] = sealer.seal_secret(_context(mediator.id), secrets) if secrets else None
    return kept


def opened(sealer: Sealer, mediator: Mediator) -> dict[str, str]:
    """The secrets: `secret`, `client_key`. Raises ValueError when their key is gone."""
    if mediator.sealed_secrets is None:
        return {}
    found = sealer.open_secret(_context(mediator.id), mediator.sealed_secrets)
    if found is None:
        raise ValueError("the key that its credentials were stored under is gone")
    return found


def field_for(sealer: Sealer, mediator: Mediator) -> tuple[str, str] | None:
    """The header field with the mediator's credentials. Raises ValueError as `opened`."""
    if mediator.credentials is None:
        return None
    return field_of({**mediator.credentials, "secret": opened(sealer, mediator)["secret"]})


def tls_for(sealer: Sealer, mediator: Mediator) -> ssl.SSLContext | None:
    """TLS of the mediator's own; None: the hub's. Raises ValueError."""
    if not (mediator.ca_certificates or mediator.client_certificate):
        return None
    key = opened(sealer, mediator).get("client_key", "")
    return tls_of(mediator.ca_certificates, mediator.client_certificate, key)


def check_tls(authorities: str, certificate: str, key: str) -> None:
    """Raise Invalid for what TLS cannot be made of."""
    if key and not certificate:
        raise _invalid("client_key", "A key needs its certificate")
    try:
        if authorities or certificate:
            tls_of(authorities, certificate, key)
    except ValueError as exc:
        field = "ca_certificates" if "authorities" in str(exc) else _TLS_FIELD
        raise _invalid(field, str(exc)) from exc


@lru_cache(maxsize=256)
def tls_of(authorities: str, certificate: str, key: str) -> ssl.SSLContext:
    """TLS that trusts these authorities (none: the hub's own) and shows this certificate.

    The same texts give the same context, so that connections are kept. Raises ValueError.
    """
    try:
        context = ssl.create_default_context(cadata=authorities or None)
    except (ssl.SSLError, ValueError, TypeError) as exc:  # TypeError: not in ASCII
        raise ValueError("These are no authorities' certificates in PEM") from exc
    if certificate:
        _load_chain(context, certificate, key)
    return context


def _load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """OpenSSL reads files: the key's is encrypted, under a password that nobody keeps."""
    password = uuid.uuid4().hex.encode()
    try:
        private = load_pem_private_key(key.encode(), None)
        locked = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
        )
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate.encode() + b"\n" + locked)
            file.flush()
            context.load_cert_chain(file.name, password=password)
    except (ssl.SSLError, ValueError, TypeError, OSError) as exc:
        raise ValueError("The certificate and the key do not fit, or are not in PEM") from exc


def _context(mediator_id: uuid.UUID) -> bytes:
    return b"mediator " + mediator_id.bytes


def _invalid(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", {field: [reason]})
