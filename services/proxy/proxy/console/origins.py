"""Where browsers reach the console: as the installation says, else as this one came."""

from urllib.parse import urlsplit

from common.console.guard import guarded
from flask import request

from proxy.container import container


def origin() -> str:
    """Scheme, host and port, as browsers write it: `https://hub.example.org`."""
    settings = container().settings
    if settings.console_url:
        return settings.console_url
    scheme = "https" if guarded()["secure"] else "http"
    return f"{scheme}://{request.headers.get('X-Forwarded-Host') or request.host}"


def host() -> str:
    """The host alone, without a port."""
    return urlsplit(origin()).hostname or ""
