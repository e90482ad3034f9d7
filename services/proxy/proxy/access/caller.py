"""Where a request to the hub comes from."""

from flask import request

from proxy.access.addresses import client_address
from proxy.access.certificates import HEADER, Presented, vouched_for
from proxy.container import container


def caller_address() -> str:
    """The address of whoever asks, as far as trusted proxies vouch for it."""
    return client_address(
        request.remote_addr or "",
        request.headers.get("X-Forwarded-For", ""),
        container().settings.trusted_proxies,
    )


def caller_certificate() -> Presented | None:
    """The certificate of whoever asks, where nginx checked it."""
    header = request.headers.get(HEADER, "")
    trusted = container().settings.trusted_proxies
    return vouched_for(header, request.remote_addr or "", trusted) if header else None
