"""The service's settings; its README has the same list as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import phonenumbers
from common.console.settings import ConsoleSettings
from common.settings import flag, positive, setting

from notification.sms_settings import SmsSettings, is_any_given, provider_names

SCHEMA = "notification"


def _region(text: str) -> str:
    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("expected the two letters of a country, such as TZ")
    return text.upper()


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything this service reads from its environment."""

    retention_days: int = setting("NOTIFICATION_RETENTION_DAYS", positive(int), default=90)
    lease_s: float = setting("NOTIFICATION_LEASE_SECONDS", positive(float), default=60.0)
    #: How long providers are asked about a message in doubt before its event's policy decides.
    unknown_wait_s: float = setting(
        "NOTIFICATION_UNKNOWN_WAIT_SECONDS", positive(float), default=900.0
    )
    phone_region: str = setting("NOTIFICATION_PHONE_REGION", _region, default="TZ")
    smtp_host: str | None = setting("NOTIFICATION_SMTP_HOST", default=None)
    smtp_port: int = setting("NOTIFICATION_SMTP_PORT", positive(int), default=587)
    smtp_username: str = setting("NOTIFICATION_SMTP_USERNAME", default="")
    smtp_password: str = setting("NOTIFICATION_SMTP_PASSWORD", default="", secret=True)
    #: None: STARTTLS, unless the connection is encrypted from its beginning.
    smtp_use_tls: bool | None = setting("NOTIFICATION_SMTP_USE_TLS", flag, default=None)
    smtp_use_ssl: bool = setting("NOTIFICATION_SMTP_USE_SSL", flag, default=False)
    smtp_timeout_s: float = setting("NOTIFICATION_SMTP_TIMEOUT", positive(float), default=15.0)
    from_email: str = setting("NOTIFICATION_FROM_EMAIL", default="")
    sms_providers: tuple[str, ...] = setting(
        "NOTIFICATION_SMS_PROVIDER", provider_names, default=()
    )
    #: One for each of `sms_providers`, in their order.
    sms: tuple[SmsSettings, ...] = ()
    proxy_port: int = setting("PROXY_PORT", int, default=8081)
    proxy_url_override: str | None = setting("PROXY_URL", default=None)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the settings from `environ`. Raises SettingError."""
        settings = super().read(environ)
        names = settings.sms_providers or (("generic",) if is_any_given(environ) else ())
        ways = (SmsSettings.read(name, environ, is_first=name == names[0]) for name in names)
        return replace(settings, sms_providers=names, sms=tuple(ways))

    @property
    def proxy_url(self) -> str:
        """Where the proxy publishes the keys that sign access tokens."""
        return self.proxy_url_override or f"http://127.0.0.1:{self.proxy_port}"
