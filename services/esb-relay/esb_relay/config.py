"""The relay's settings; the service's README has the same list as a table."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from common.console.settings import ConsoleSettings
from common.settings import flag, one_of, positive, setting

SCHEMA = "esb_relay"


def http_url(text: str) -> str:
    """An absolute http(s) address, without its final slash."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError("expected an address like https://host/path")
    if parts.port == 0:
        raise ValueError("port 0 cannot be reached")
    return text.rstrip("/")


def url_path(text: str) -> str:
    """A path below the engine's address, with its first slash."""
    if any(character in text for character in "?# "):
        raise ValueError("expected a path like /async")
    return "/" + text.strip("/")


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything the relay reads from its environment.

    What GovESB gives or wants may be missing: the call that needs it names it.
    """

    token_url: str | None = setting("GOVESB_TOKEN_URL", http_url, default=None)
    engine_url: str | None = setting("GOVESB_ENGINE_URL", http_url, default=None)
    grant_type: str = setting("GOVESB_GRANT_TYPE", default="client_credentials")
    client_id: str | None = setting("ESB_CLIENT_ID", default=None)
    client_secret: str | None = setting("ESB_CLIENT_SECRET", default=None, secret=True)
    data_format: str = setting("ESB_REQUEST_DATA_FORMAT", one_of("json", "xml"), default="json")
    private_key: str | None = setting("CLIENT_PRIVATE_KEY", default=None, secret=True)
    public_key: str | None = setting("CLIENT_PUBLIC_KEY", default=None)
    esb_public_keys: str | None = setting("GOV_ESB_PUBLIC_KEY", default=None)
    recipient_public_keys: str | None = setting("ESB_RECIPIENT_PUBLIC_KEYS", default=None)
    async_path: str = setting("ESB_ASYNC_PATH", url_path, default="/async")
    connect_timeout_s: float = setting("ESB_CONNECT_TIMEOUT", positive(float), default=5.0)
    read_timeout_s: float = setting("ESB_READ_TIMEOUT", positive(float), default=30.0)
    max_attempts: int = setting("ESB_MAX_ATTEMPTS", positive(int), default=3)
    store_bodies: bool = setting("ESB_STORE_BODIES", flag, default=False)
    exchange_retention_days: int = setting("ESB_RETENTION_DAYS", positive(int), default=90)
    envelope_max_age_s: float = setting("ESB_ENVELOPE_MAX_AGE", positive(float), default=86_400.0)
    envelope_retention_days: int = setting(
        "ESB_ENVELOPE_RETENTION_DAYS", positive(int), default=3_650
    )
    callback_timeout_s: float = setting("ESB_CALLBACK_TIMEOUT", positive(float), default=20.0)
    body_max_bytes: int = setting("REQUEST_BODY_MAX_BYTES", positive(int), default=20 * 1024 * 1024)
    proxy_url: str = setting("PROXY_URL", http_url, default="http://127.0.0.1:8081")
    proxy_gateway_url: str = setting("PROXY_GATEWAY_URL", http_url, default="http://127.0.0.1:8085")
    proxy_client_id: str = setting("ESB_RELAY_CLIENT_ID", default="esb-relay")
    proxy_client_secret: str | None = setting("ESB_RELAY_CLIENT_SECRET", default=None, secret=True)

    def own_secret(self) -> str | None:
        """The secret of this service's own client: given, or kept by the embedded shape."""
        kept = self.var_dir / "keys" / "esb-relay-client-secret"
        if self.proxy_client_secret is None and kept.is_file():
            return kept.read_text(encoding="utf-8").strip()
        return self.proxy_client_secret
