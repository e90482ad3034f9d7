"""Where somebody listens, and the TLS that leads there."""

import ssl
from dataclasses import dataclass
from functools import cache, cached_property
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Endpoint:
    """Where somebody listens: `http`, `https` or `tcp`; its path goes before every call's."""

    scheme: str
    host: str
    port: int
    base_path: str
    #: TLS of its own; None: everybody's.
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(cls, url: str, tls: ssl.SSLContext | None = None) -> "Endpoint":
        """Read an endpoint URL. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "tcp"} or not parts.hostname:
            raise ValueError(f"not an endpoint: scheme {parts.scheme!r}")
        default = 443 if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname, parts.port or default, parts.path.rstrip("/"), tls)

    @cached_property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


@cache
def verified_tls() -> ssl.SSLContext:
    """TLS that checks certificates; `SSL_CERT_FILE` names other authorities than the system's."""
    return ssl.create_default_context()
