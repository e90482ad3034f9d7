"""The proxy's settings; the service's README has the same list as a table."""

from dataclasses import dataclass
from ipaddress import ip_network

from common.console.settings import ConsoleSettings
from common.settings import (
    Network,
    flag,
    networks,
    one_of,
    positive,
    setting,
)

SCHEMA = "proxy"

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything the proxy reads from its environment."""

    mediator_mode: str = setting("MEDIATOR_MODE", one_of("hybrid", "pure_esb"), default="hybrid")
    forward_timeout_s: float = setting("MEDIATOR_FORWARD_TIMEOUT", positive(float), default=30.0)
    connect_timeout_s: float = setting("MEDIATOR_CONNECT_TIMEOUT", positive(float), default=5.0)
    heartbeat_timeout_s: float = setting(
        "MEDIATOR_HEARTBEAT_TIMEOUT", positive(float), default=60.0
    )
    stored_body_max_chars: int = setting(
        "TRANSACTION_BODY_MAX_LENGTH", positive(int), default=20_000
    )
    transaction_log_mode: str = setting(
        "TRANSACTION_LOG_MODE", one_of("strict", "merged"), default="strict"
    )
    transaction_retention_days: int = setting(
        "TRANSACTION_RETENTION_DAYS", positive(int), default=90
    )
    rejections_kept: int = setting("REJECTIONS_KEPT", positive(int), default=10_000)
    request_body_max_bytes: int = setting(
        "REQUEST_BODY_MAX_BYTES", positive(int), default=20 * 1024 * 1024
    )
    trusted_proxies: tuple[Network, ...] = setting("TRUSTED_PROXIES", networks, default=_LOOPBACK)
    check_dependencies: bool = setting("ENABLE_HEALTH_DEPENDENCY_CHECKS", flag, default=False)
    async_max_attempts: int = setting("ASYNC_MAX_ATTEMPTS", positive(int), default=5)
    async_concurrency: int = setting("ASYNC_CONCURRENCY", positive(int), default=16)
    async_lease_s: float = setting("ASYNC_LEASE_SECONDS", positive(float), default=30.0)
    access_token_lifetime_s: int = setting("ACCESS_TOKEN_LIFETIME", positive(int), default=900)
    token_keys_dir: str | None = setting("TOKEN_KEYS_DIR", default=None)
    esb_relay_url: str = setting("ESB_RELAY_URL", default="http://127.0.0.1:8082")
    esb_relay_timeout_s: float = setting("ESB_RELAY_TIMEOUT", positive(float), default=60.0)
    admin_username: str = setting("ADMIN_USERNAME", default="admin")
    admin_email: str = setting("ADMIN_EMAIL", default="admin@localhost")
    admin_password: str | None = setting("ADMIN_PASSWORD", default=None, secret=True)
    session_idle_minutes: int = setting("SESSION_IDLE_MINUTES", positive(int), default=30)
