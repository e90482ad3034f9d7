"""The proxy's settings; the service's README has the same list as a table."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from common.console.rights import ROLE_NAME, StaffRole
from common.console.settings import ConsoleSettings
from common.settings import (
    Network,
    SettingError,
    comma_list,
    flag,
    networks,
    one_of,
    positive,
    setting,
    time_zone,
)
from common.texts import DEFAULT, LANGUAGES

SCHEMA = "proxy"

#: Before the name of a role that an administrator made: a slip of the pen is no such role.
CUSTOM = "custom:"
_PATH_MASK = re.compile(r"(?:/(?:\*|[A-Za-z0-9._~-]+))+")
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_LOOPBACK_ORIGINS = {("http", host) for host in ("127.0.0.1", "localhost", "::1")}
_ISSUER_MEMBERS = {"issuer", "jwks_url", "audience", "claim", "allow"}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues tokens, for whom they must be, and which claim names which clients."""

    issuer: str
    jwks_url: str
    audience: str
    claim: str
    #: Client ids and roles that it may name.
    allow: frozenset[str]


def origin(text: str) -> str:
    """Scheme, host and port of an address that browsers come to."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError("expected an address like https://hub.example.org")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def staff_role(text: str) -> str:
    """A role's name: a built-in one's, or another's with `custom:` before it. Raises ValueError."""
    name = text.removeprefix(CUSTOM)
    if text not in set(StaffRole) and not (name != text and ROLE_NAME.fullmatch(name)):
        raise ValueError(f"expected {', '.join(StaffRole)}, or {CUSTOM} and a role's name")
    return name


def staff_roles(text: str) -> frozenset[str]:
    """Comma-separated roles of staff."""
    return frozenset(staff_role(one) for one in comma_list(text))


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """Where staff sign in besides here, and which role a value of a claim stands for."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    role_claim: str
    roles: Mapping[str, str]
    label: str


def provider_address(text: str) -> str:
    """An issuer, as the provider spells it."""
    parts = urlsplit(text)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOOPBACK_ORIGINS:
        raise ValueError("expected an address that begins with https://")
    return text


def roles_by_value(text: str) -> tuple[tuple[str, str], ...]:
    """`{"kiungo-admins": "admin", "*": "viewer"}`."""
    try:
        given = json.loads(text)
        return tuple((str(value), staff_role(role)) for value, role in given.items())
    except (ValueError, AttributeError, TypeError):
        raise ValueError("expected a JSON object of claim values, each with a role") from None


def not_negative(text: str) -> int:
    """A whole number from 0. Raises ValueError."""
    if not text.isdecimal():
        raise ValueError("expected a whole number from 0")
    return int(text)


def path_masks(text: str) -> tuple[str, ...]:
    """Paths, separated by commas, whose segments may be `*`. Raises ValueError."""
    found = tuple(comma_list(text))
    if not all(_PATH_MASK.fullmatch(one) and "*" in one for one in found):
        raise ValueError("expected paths like /patients/*, /visits/*/persons/*")
    return found


def address_or_off(text: str) -> str:
    """An IP address; `off` is none. Raises ValueError."""
    return "" if text == "off" else str(ip_address(text))


def ports(text: str) -> tuple[range, ...]:
    """Ports and ranges of ports, separated by commas. Raises ValueError."""
    return tuple(_ports(part) for part in comma_list(text))


def _ports(part: str) -> range:
    first, _, last = part.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise ValueError("expected ports and ranges like 2575, 6000-6100")
    found = range(int(first), int(last or first) + 1)
    if not found or not 0 < found[0] <= found[-1] < 65_536:
        raise ValueError("expected ports from 1 to 65535")
    return found


def watched(text: str) -> tuple[tuple[str, str], ...]:
    """`proxy=http://proxy:8000, proxy-worker=file:/var/…`. Raises ValueError."""
    pairs = [one.partition("=") for one in comma_list(text)]
    if not all(
        name and url.startswith(("http://", "https://", "file:/")) for name, _, url in pairs
    ):
        raise ValueError("expected names with addresses, like proxy=http://proxy:8000")
    return tuple((name, url.rstrip("/")) for name, _, url in pairs)


def issuers(text: str) -> tuple[Issuer, ...]:
    """The issuers of a JSON array. Raises ValueError."""
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("expected a JSON array of issuers")
    return tuple(_issuer(entry) for entry in entries)


def _issuer(entry: Any) -> Issuer:
    if not isinstance(entry, dict) or entry.keys() != _ISSUER_MEMBERS:
        raise ValueError(f"each issuer has the members {', '.join(sorted(_ISSUER_MEMBERS))}")
    allow = entry.pop("allow")
    if not all(isinstance(value, str) and value for value in entry.values()):
        raise ValueError("an issuer's members are texts, and allow is a list of them")
    if not isinstance(allow, list) or not all(isinstance(one, str) and one for one in allow):
        raise ValueError("allow lists the client ids and roles that an issuer may name")
    parts = urlsplit(entry["jwks_url"])
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOOPBACK_ORIGINS:
        raise ValueError("keys are fetched over https")
    return Issuer(**entry, allow=frozenset(allow))


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything the proxy reads from its environment."""

    mediator_mode: str = setting("MEDIATOR_MODE", one_of("hybrid", "pure_esb"), default="hybrid")
    forward_timeout_s: float = setting("MEDIATOR_FORWARD_TIMEOUT", positive(float), default=30.0)
    #: A call whose first row took longer to write is not made: its caller may have gone.
    record_timeout_s: float = setting("RECORD_TIMEOUT", positive(float), default=20.0)
    total_timeout_s: float = setting("MEDIATOR_TOTAL_TIMEOUT", positive(float), default=900.0)
    connect_timeout_s: float = setting("MEDIATOR_CONNECT_TIMEOUT", positive(float), default=5.0)
    heartbeat_timeout_s: float = setting(
        "MEDIATOR_HEARTBEAT_TIMEOUT", positive(float), default=60.0
    )
    #: A circuit opens after so many failures of a mediator in a row, for so long; 0: never.
    breaker_failures: int = setting("MEDIATOR_BREAKER_FAILURES", not_negative, default=10)
    breaker_pause_s: float = setting("MEDIATOR_BREAKER_PAUSE", positive(float), default=10.0)
    #: Most calls of a client, a second and at a time, that has no limits of its own.
    client_max_rate: float | None = setting("CLIENT_MAX_RATE", positive(float), default=None)
    client_max_concurrent: int | None = setting(
        "CLIENT_MAX_CONCURRENT", positive(int), default=None
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
    #: Names of headers and query parameters, besides the usual ones, whose values are not recorded.
    masked_headers: tuple[str, ...] = setting("MASKED_HEADERS", comma_list, default=())
    masked_parameters: tuple[str, ...] = setting("MASKED_PARAMETERS", comma_list, default=())
    #: Paths like /patients/*: nobody's log and record says what stands at a *. nginx reads it, too.
    masked_paths: tuple[str, ...] = setting("KIUNGO_MASKED_PATHS", path_masks, default=())
    rejections_kept: int = setting("REJECTIONS_KEPT", positive(int), default=10_000)
    shadow_differences_kept: int = setting("SHADOW_DIFFERENCES_KEPT", positive(int), default=10_000)
    request_body_max_bytes: int = setting(
        "REQUEST_BODY_MAX_BYTES", positive(int), default=20 * 1024 * 1024
    )
    body_rules_max_bytes: int = setting("BODY_RULES_MAX_BYTES", positive(int), default=1024 * 1024)
    trusted_proxies: tuple[Network, ...] = setting("TRUSTED_PROXIES", networks, default=_LOOPBACK)
    check_dependencies: bool = setting("ENABLE_HEALTH_DEPENDENCY_CHECKS", flag, default=False)
    async_max_attempts: int = setting("ASYNC_MAX_ATTEMPTS", positive(int), default=5)
    async_concurrency: int = setting("ASYNC_CONCURRENCY", positive(int), default=256)
    async_lease_s: float = setting("ASYNC_LEASE_SECONDS", positive(float), default=30.0)
    #: Automatic retries of a channel that have not ended.
    retries_at_once: int = setting("RETRIES_AT_ONCE", positive(int), default=10)
    #: The processes that a worker looks at: `/readyz` of an address, or a worker's heartbeat file.
    watched_services: tuple[tuple[str, str], ...] = setting("WATCHED_SERVICES", watched, default=())
    #: Folders whose disks must not fill up (none: VAR_DIR), and certificates, in PEM.
    watched_paths: tuple[str, ...] = setting("WATCHED_PATHS", comma_list, default=())
    watched_certificates: tuple[str, ...] = setting("WATCHED_CERTIFICATES", comma_list, default=())
    access_token_lifetime_s: int = setting("ACCESS_TOKEN_LIFETIME", positive(int), default=900)
    #: Whose bearer tokens stand for a client's secret, besides our own.
    token_issuers: tuple[Issuer, ...] = setting("TOKEN_ISSUERS", issuers, default=())
    token_keys_dir: str | None = setting("TOKEN_KEYS_DIR", default=None)
    #: Where gateway processes listen for messages (MLLP, tcp); empty: nowhere.
    listener_address: str = setting("LISTENER_ADDRESS", address_or_off, default="127.0.0.1")
    listener_ports: tuple[range, ...] = setting(
        "LISTENER_PORTS", ports, default=(range(1024, 65_536),)
    )
    listener_idle_s: float = setting("LISTENER_IDLE_TIMEOUT", positive(float), default=3600.0)
    #: Files in PEM: what listeners with TLS show.
    listener_tls_cert: str | None = setting("LISTENER_TLS_CERT", default=None)
    listener_tls_key: str | None = setting("LISTENER_TLS_KEY", default=None)
    esb_relay_url: str = setting("ESB_RELAY_URL", default="http://127.0.0.1:8086")
    esb_relay_timeout_s: float = setting("ESB_RELAY_TIMEOUT", positive(float), default=60.0)
    admin_username: str = setting("ADMIN_USERNAME", default="admin")
    admin_email: str = setting("ADMIN_EMAIL", default="admin@localhost")
    admin_password: str | None = setting("ADMIN_PASSWORD", default=None, secret=True)
    session_idle_minutes: int = setting("SESSION_IDLE_MINUTES", positive(int), default=30)
    notification_port: int = setting("NOTIFICATION_PORT", int, default=8083)
    notification_url_override: str | None = setting("NOTIFICATION_URL", default=None)
    #: Whose days and weeks "yesterday" and "last week" are.
    scheme_timezone: ZoneInfo = setting(
        "SCHEME_TIMEZONE", time_zone, default=ZoneInfo("Africa/Dar_es_Salaam")
    )
    #: The language of messages to people of whom no other is known.
    default_language: str = setting("DEFAULT_LANGUAGE", one_of(*LANGUAGES), default=DEFAULT)
    #: Another provider by which staff sign in (OpenID Connect); `openid` has all of it.
    oidc_issuer: str = setting("OIDC_ISSUER", provider_address, default="")
    oidc_client_id: str = setting("OIDC_CLIENT_ID", default="")
    oidc_client_secret: str = setting("OIDC_CLIENT_SECRET", default="", secret=True)
    oidc_scopes: str = setting("OIDC_SCOPES", default="openid profile email")
    oidc_role_claim: str = setting("OIDC_ROLE_CLAIM", default="groups")
    oidc_roles: tuple[tuple[str, str], ...] = setting("OIDC_ROLES", roles_by_value, default=())
    oidc_label: str = setting("OIDC_LABEL", default="Single sign-on")
    #: Where browsers reach the console; without it, wherever they come to.
    console_url: str = setting("CONSOLE_URL", origin, default="")
    #: Roles whose members do not get in by a password alone.
    second_factor_roles: frozenset[str] = setting(
        "SECOND_FACTOR_ROLES", staff_roles, default=frozenset()
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the settings from `environ`. Raises SettingError."""
        settings = super().read(environ)
        if settings.oidc_issuer and not (settings.oidc_client_id and settings.oidc_roles):
            missing = "ROLES" if settings.oidc_client_id else "CLIENT_ID"
            raise SettingError(f"OIDC_{missing} is not set, but OIDC_ISSUER is")
        return settings

    @property
    def notification_url(self) -> str:
        """Where the notification service sends our own e-mails."""
        return self.notification_url_override or f"http://127.0.0.1:{self.notification_port}"

    @property
    def openid(self) -> OpenIdProvider | None:
        """The provider; None: staff sign in here only."""
        if not self.oidc_issuer:
            return None
        return OpenIdProvider(
            self.oidc_issuer,
            self.oidc_client_id,
            self.oidc_client_secret,
            self.oidc_scopes,
            self.oidc_role_claim,
            dict(self.oidc_roles),
            self.oidc_label,
        )
