"""Where a channel listens, and what it takes for a message there. Pure."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import Invalid

from proxy.models import Framing


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener as its port is opened by it."""

    port: int
    framing: Framing = Framing.MLLP
    tls: bool = False
    #: In PEM: who may vouch for senders; none: senders show no certificate.
    client_authorities: str = ""


def listening_of(stored: Mapping[str, Any]) -> Listening:
    """What is stored of a listener. Raises Invalid."""
    found = Listening(
        port=stored["port"],
        framing=Framing(stored.get("framing", Framing.MLLP)),
        tls=stored.get("tls", False),
        client_authorities=stored.get("client_authorities", ""),
    )
    if found.client_authorities:
        _check_authorities(found)
    return found


def _check_authorities(listening: Listening) -> None:
    if not listening.tls:
        raise invalid_listener("Certificates of senders are shown over TLS only")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(
            cadata=listening.client_authorities
        )
    except (ssl.SSLError, ValueError, TypeError) as exc:  # TypeError: not in ASCII
        raise invalid_listener("The authorities must be certificates in PEM") from exc


def invalid_listener(reason: str) -> Invalid:
    """What is wrong with a listener."""
    return Invalid(f"listener: {reason}", {"listener": [reason]})
