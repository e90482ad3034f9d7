"""The service's settings; its README has the same list as a table.

openIMIS's own keys may stand in a file (`POLICY_NOTIFICATION_CONFIG`, see `config_file`); the
variables here win over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import phonenumbers
from common.console.settings import ConsoleSettings
from common.settings import comma_list, flag, positive, setting, time_zone

from policy_notify import config_file
from policy_notify.models import NotificationType, PaymentEvent

SCHEMA = "policy_notify"


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) > 3650:
        raise ValueError("expected a number of days from 0 to 3650")
    return int(text)


def _hour(text: str) -> int:
    if not text.strip().isdecimal() or int(text) > 23:
        raise ValueError("expected an hour from 0 to 23")
    return int(text)


def parse_hours(text: str) -> tuple[int, ...]:
    """`8`, `8,12,16` or `8-16` (hourly, from–to). Raises ValueError."""
    first, dash, last = text.partition("-")
    try:
        hours = range(_hour(first), _hour(last) + 1) if dash else map(_hour, text.split(","))
        found = tuple(sorted(set(hours)))
    except ValueError as exc:
        raise ValueError("expected hours from 0 to 23, like 8 or 8,12,16 or 8-16") from exc
    if not found:
        raise ValueError("expected the earlier hour first")
    return found


def hours_between(first: int, last: int, interval: int) -> tuple[int, ...]:
    """Every `interval` hours from `first` to `last`; at least `first`."""
    return tuple(range(first, last + 1, interval)) or (first,)


def _region(text: str) -> str:
    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("expected a country code of two letters, such as TZ")
    return text.upper()


def _languages(text: str) -> tuple[str, ...]:
    found = comma_list(text)
    if not found or any(len(code) > 16 for code in found):
        raise ValueError("expected language codes, comma-separated")
    return found


def _payment_events(text: str) -> frozenset[PaymentEvent]:
    if text.strip() == "all":
        return frozenset(PaymentEvent)
    try:
        return frozenset(PaymentEvent(name) for name in comma_list(text))
    except ValueError as exc:
        raise ValueError(f"expected `all`, or some of {', '.join(PaymentEvent)}") from exc


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything this service reads from its environment and its configuration file."""

    config_path: str | None = setting("POLICY_NOTIFICATION_CONFIG", default=None)
    providers: tuple[tuple[str, Mapping[str, Any]], ...] = setting(
        "PROVIDERS", config_file.parse_providers, default=(), secret=True
    )
    eligible_types: frozenset[NotificationType] = setting(
        "ELIGIBLE_NOTIFICATION_TYPES", config_file.parse_types, default=frozenset()
    )
    payment_events: frozenset[PaymentEvent] = setting(
        "PAYMENT_EVENTS", _payment_events, default=frozenset()
    )
    report_rights: tuple[str, ...] = setting(
        "FAMILY_POLICY_NOTIFICATION_REPORT_PERMS", config_file.parse_rights, default=("131224",)
    )
    trigger_interval_hours: int = setting("TRIGGER_TIME_INTERVAL_HOURS", positive(int), default=4)
    trigger_first_hour: int = setting("TRIGGER_FIRST_CALL_HOUR", _hour, default=8)
    trigger_last_hour: int = setting("TRIGGER_LAST_CALL_HOUR", _hour, default=20)
    scheduled_hours: tuple[int, ...] | None = setting(
        "SCHEDULED_TASK_HOUR", parse_hours, default=None
    )
    before_expiry_days: int = setting("REMINDER_BEFORE_EXPIRY_DAYS", _days, default=5)
    after_expiry_days: int = setting("REMINDER_AFTER_EXPIRY_DAYS", _days, default=5)
    activation_relevance_days: int = setting(
        "POLICY_ACTIVATION_RELEVANCE_MAXIMUM_DAYS_TIMEDELTA", _days, default=5
    )
    renewal_relevance_days: int = setting(
        "POLICY_RENEWAL_RELEVANCE_MAXIMUM_DAYS_TIMEDELTA", _days, default=5
    )
    idle_renewal_counts: bool = setting("IDLE_RENEWAL_COUNTS", flag, default=True)
    renewal_gap_days: int | None = setting("RENEWAL_GAP_DAYS", _days, default=None)
    reminds_suspended: bool = setting("REMIND_SUSPENDED", flag, default=True)
    catch_up_days: int = setting("CATCH_UP_DAYS", _days, default=3)
    scheme_timezone: ZoneInfo = setting(
        "SCHEME_TIMEZONE", time_zone, default=ZoneInfo("Africa/Dar_es_Salaam")
    )
    languages: tuple[str, ...] = setting(
        "NOTIFICATION_LANGUAGES", _languages, default=("en", "fr", "sw")
    )
    phone_region: str = setting("NOTIFICATION_PHONE_REGION", _region, default="TZ")
    texts_dir: Path | None = setting("NOTIFICATION_TEXTS_DIR", Path, default=None)
    provider_timeout_s: float = setting("PROVIDER_TIMEOUT", positive(float), default=15.0)
    run_lease_s: float = setting("RUN_LEASE_SECONDS", positive(float), default=60.0)
    message_retention_days: int = setting("MESSAGE_RETENTION_DAYS", positive(int), default=90)
    openimis_url: str | None = setting("OPENIMIS_DATABASE_URL", default=None, secret=True)
    sync_minutes: int = setting("OPENIMIS_SYNC_MINUTES", positive(int), default=5)
    compare_hour: int = setting("OPENIMIS_COMPARE_HOUR", _hour, default=2)
    proxy_port: int = setting("PROXY_PORT", int, default=8081)
    notification_port: int = setting("NOTIFICATION_PORT", int, default=8083)
    proxy_url_override: str | None = setting("PROXY_URL", default=None)
    notification_url_override: str | None = setting("NOTIFICATION_URL", default=None)
    client_id: str = setting("POLICY_NOTIFY_CLIENT_ID", default="policy-notify")
    client_secret: str | None = setting("POLICY_NOTIFY_CLIENT_SECRET", default=None, secret=True)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the settings from the configuration file and `environ`. Raises SettingError."""
        path = environ.get("POLICY_NOTIFICATION_CONFIG", "").strip()
        if path:
            given = {name: text for name, text in environ.items() if text.strip()}
            environ = {**config_file.read(path), **given}
        return super().read(environ)

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours of the day (scheme's time) at which runs begin, ascending."""
        return self.scheduled_hours or hours_between(
            self.trigger_first_hour, self.trigger_last_hour, self.trigger_interval_hours
        )

    @property
    def proxy_url(self) -> str:
        """Where the proxy issues tokens and publishes the keys that sign them."""
        return self.proxy_url_override or f"http://127.0.0.1:{self.proxy_port}"

    @property
    def notification_url(self) -> str:
        """Where the notification service listens."""
        return self.notification_url_override or f"http://127.0.0.1:{self.notification_port}"

    def own_secret(self) -> str | None:
        """The secret of this service's own client: given, or kept by the embedded shape."""
        kept = self.var_dir / "keys" / "policy-notify-client-secret"
        if self.client_secret is None and kept.is_file():
            return kept.read_text(encoding="utf-8").strip()
        return self.client_secret

    @property
    def run_lease(self) -> timedelta:
        """How long a run is another's after its worker's last sign of life."""
        return timedelta(seconds=self.run_lease_s)
