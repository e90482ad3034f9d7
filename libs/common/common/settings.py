"""Settings are read once, at start, from the environment and `.env.local`, into a frozen object.

A service declares one dataclass; each field names its variable with `setting(...)`. A bad or
missing value raises SettingError, whose message names the variable.
"""

import dataclasses
import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click

from common.networks import Network as Network
from common.networks import parsed_network
from common.outbound import USUALLY_DENIED, OutboundRules, Rule, rules

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Names of the mediator that Kiungo replaces, still read, each with the name that replaces it.
FORMER_NAMES = {
    "DJANGO_SUPERUSER_USERNAME": "ADMIN_USERNAME",
    "DJANGO_SUPERUSER_EMAIL": "ADMIN_EMAIL",
    "DJANGO_SUPERUSER_PASSWORD": "ADMIN_PASSWORD",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "TRUSTED_ORIGINS",
}


#: Where OpenTelemetry's SDK looks for a collector that nobody names.
USUAL_COLLECTOR = "http://localhost:4318"
LOG_LEVELS = tuple(logging.getLevelNamesMapping())


class SettingError(click.ClickException):
    """A setting is missing or cannot be read; the message names the variable, never its value.

    A command that it ends says so in one line.
    """


def setting(
    name: str,
    parse: Callable[[str], Any] = str,
    *,
    default: Any = dataclasses.MISSING,
    secret: bool = False,
) -> Any:
    """Declare a dataclass field that is read from variable `name`.

    `parse` turns the text into the value and raises ValueError with the reason when it cannot.
    Without `default` the variable is required. A secret never shows in the settings' repr.
    """
    return dataclasses.field(
        default=default, repr=not secret, metadata={"variable": name, "parse": parse}
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """Base of every service's settings: the reading, and what all services need."""

    var_dir: Path = setting("VAR_DIR", lambda text: Path(text).absolute(), default=Path("var"))
    db_engine: str = setting(
        "DB_ENGINE", lambda text: one_of("sqlite", "postgres")(text), default="sqlite"
    )
    database_url_override: str | None = setting("DATABASE_URL", default=None, secret=True)
    postgres_host: str = setting("POSTGRES_HOST", default="127.0.0.1")
    postgres_port: int = setting("POSTGRES_PORT", int, default=5432)
    postgres_db: str = setting("POSTGRES_DB", default="kiungo")
    postgres_user: str = setting("POSTGRES_USER", default="kiungo")
    postgres_password: str = setting("POSTGRES_PASSWORD", default="", secret=True)
    db_connections_max: int = setting(
        "DB_CONNECTIONS_MAX", lambda text: positive(int)(text), default=90
    )
    web_concurrency: int = setting("WEB_CONCURRENCY", lambda text: positive(int)(text), default=2)
    #: Default: see `gateway_processes`.
    gateway_concurrency: int | None = setting(
        "GATEWAY_CONCURRENCY", lambda text: positive(int)(text), default=None
    )
    rabbitmq_url: str | None = setting("RABBITMQ_URL", default=None, secret=True)
    #: Keys that seal what is stored (see `common.sealing`); default: `keys/seal` in `var_dir`.
    seal_keys_dir: Path | None = setting("SEAL_KEYS_DIR", Path, default=None)
    #: Whether bodies and messages are sealed as well; they never are where there is no key.
    seal_bodies: bool = setting("SEAL_BODIES", lambda text: flag(text), default=True)
    #: Keys that seal messages for RabbitMQ, the same for all services; default: `keys/messages`
    #: in `var_dir`. Queues that programs without them read; `*`: all.
    message_keys_dir: Path | None = setting("MESSAGE_KEYS_DIR", Path, default=None)
    clear_queues: tuple[str, ...] = setting(
        "CLEAR_QUEUES", lambda text: comma_list(text), default=()
    )
    #: What a worker touches while it works; several on one machine have one each.
    worker_heartbeat_file: Path | None = setting("WORKER_HEARTBEAT_FILE", Path, default=None)
    #: Where no mediator and no target of a callback may be, and what may all the same.
    outbound_deny: tuple[Rule, ...] = setting(
        "OUTBOUND_DENY", lambda text: rules(text), default=rules(USUALLY_DENIED)
    )
    outbound_allow: tuple[Rule, ...] = setting(
        "OUTBOUND_ALLOW", lambda text: rules(text), default=()
    )
    log_level: str = setting(
        "LOG_LEVEL", lambda text: one_of(*LOG_LEVELS)(text.upper()), default="INFO"
    )
    #: Where traces are exported to (OTLP over HTTP); None: nothing is traced.
    otlp_endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", lambda text: http_url(text), default=None
    )
    otlp_headers: str | None = setting("OTEL_EXPORTER_OTLP_HEADERS", default=None, secret=True)
    #: Whether metrics are pushed there as well, and to which address if to another one.
    metrics_exporter: str = setting(
        "OTEL_METRICS_EXPORTER", lambda text: one_of("none", "otlp")(text), default="none"
    )
    otlp_metrics_endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", lambda text: http_url(text), default=None
    )
    metric_export_interval_ms: int = setting(
        "OTEL_METRIC_EXPORT_INTERVAL", lambda text: positive(int)(text), default=60_000
    )

    def outbound(self) -> OutboundRules:
        """What may be called; never our own database and broker."""
        own = [self.rabbitmq_url, self.database_url_override]
        places = [urlsplit(url) for url in own if url]
        named = [(place.hostname, place.port) for place in places if place.hostname]
        if self.db_engine == "postgres" and not self.database_url_override:
            named.append((self.postgres_host, self.postgres_port))
        denied = tuple(Rule.parse(f"{_bracketed(host)}:{port}") for host, port in named if port)
        return OutboundRules((*self.outbound_deny, *denied), self.outbound_allow)

    @property
    def gateway_processes(self) -> int:
        """Worker processes of each gateway."""
        return self.gateway_concurrency or gateways_beside(self.web_concurrency)

    @property
    def metrics_url(self) -> str | None:
        """Where metrics are pushed to; None: nowhere."""
        if self.metrics_exporter == "none":
            return None
        usual = (self.otlp_endpoint or USUAL_COLLECTOR).rstrip("/") + "/v1/metrics"
        return self.otlp_metrics_endpoint or usual

    @property
    def seal_keys_folder(self) -> Path:
        """The folder of the keys that seal what is stored."""
        return self.seal_keys_dir or self.var_dir / "keys" / "seal"

    @property
    def message_keys_folder(self) -> Path:
        """The folder of the keys that seal what is queued at RabbitMQ."""
        return self.message_keys_dir or self.var_dir / "keys" / "messages"

    def heartbeat_path(self, service: str) -> Path:
        """The file in which the worker of `service` shows that it works."""
        return self.worker_heartbeat_file or self.var_dir / "run" / f"{service}-worker-heartbeat"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the settings from `environ`. Raises SettingError."""
        return cls(**read_values(cls, environ))


def gateways_beside(hub_processes: int) -> int:
    """How many processes a gateway has by itself: nginx and the database take as much as they do,
    so one for two cores."""
    return max(1, hub_processes // 2)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def read_values(
    settings: type, environ: Mapping[str, str], variable_of: Callable[[str], str] = str
) -> dict[str, Any]:
    """The values that `environ` gives to the declared fields of a settings dataclass, by field.

    `variable_of` says which variable is read for a declared one. Raises SettingError.
    """
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        if "variable" not in field.metadata:
            continue
        variable = variable_of(field.metadata["variable"])
        text = environ.get(variable, "").strip()
        if text:
            values[field.name] = _parse(variable, field.metadata["parse"], text)
        elif field.default is dataclasses.MISSING:
            raise SettingError(f"{variable} is not set and has no default")
    return values


def _parse(variable: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as exc:
        # Not chained: the parser's own error quotes the value, and a traceback ends in a log.
        raise SettingError(f"{variable} cannot be read: {_reason(exc, text)}") from None


def _reason(error: ValueError, text: str) -> str:
    """The parser's words without the value: a wrongly placed secret must not reach a log."""
    return str(error).replace(repr(text), "the value").replace(text, "the value")


def process_environment(
    env_file: Path = Path(".env.local"), *, tells: bool = True
) -> dict[str, str]:
    """The process's environment over the files of its `SECRETS_DIR` over `env_file`.

    Former variable names are translated, with a warning unless the caller `tells` nothing.
    """
    merged = {**_env_file(env_file), **_secrets(os.environ.get("SECRETS_DIR")), **os.environ}
    for former, name in FORMER_NAMES.items():
        if merged.get(former, "").strip():
            if tells:
                log.warning("%s is read for now; its new name is %s", former, name)
            if not merged.get(name, "").strip():
                merged[name] = merged[former]
    return merged


def _secrets(folder: str | None) -> dict[str, str]:
    """Variables that are files, as orchestrators mount secrets; a file is named as its variable."""
    if not folder:
        return {}
    files = (path for path in Path(folder).iterdir() if path.is_file())
    return {path.name: path.read_text(encoding="utf-8").strip() for path in files}


def _env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = (line.strip().removeprefix("export ") for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): _unquoted(value.strip()) for key, value in pairs}


def _unquoted(text: str) -> str:
    """A value as a shell reads it: without its quotes or, where it has none, a comment behind."""
    if text[:1] in {'"', "'"}:
        return text.strip("\"'")
    return text if "#" not in text else re.split(r"(?:^|\s)#", text, maxsplit=1)[0].rstrip()


def flag(text: str) -> bool:
    """`true`/`false` in the usual spellings."""
    spelling = text.lower()
    if spelling in {"1", "true", "yes", "on"}:
        return True
    if spelling in {"0", "false", "no", "off"}:
        return False
    raise ValueError("expected true or false")


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that accepts exactly `choices`."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return parse


def positive(number: type[int] | type[float]) -> Callable[[str], Any]:
    """A parser for numbers above zero."""

    def parse(text: str) -> int | float:
        value = number(text)
        if not 0 < value < float("inf"):
            raise ValueError("expected a number above zero")
        return value

    return parse


def http_url(text: str) -> str:
    """An address of HTTP without credentials in it."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("expected an address such as http://127.0.0.1:4318")
    return text


def time_zone(text: str) -> ZoneInfo:
    """A time zone by its name."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError("expected the name of a time zone, such as Africa/Dar_es_Salaam") from exc


def comma_list(text: str) -> tuple[str, ...]:
    """Comma-separated text; blanks are dropped."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def networks(text: str) -> tuple[Network, ...]:
    """Comma-separated addresses or CIDR networks."""
    try:
        return tuple(parsed_network(item) for item in comma_list(text))
    except ValueError:
        raise ValueError("expected addresses or CIDR networks, separated by commas") from None
