"""The service's settings; its README has the same list as a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import phonenumbers
from common.console.settings import ConsoleSettings
from common.settings import SettingError, flag, positive, setting

from notification.errors import WebhooksNotSetUp
from notification.mails.attachments import USUAL_MAX_BYTES, USUAL_TYPES, Limits, media_types
from notification.mails.dns_servers import DnsServer, dns_servers
from notification.mails.frame import USUAL_COLOR, Frame, hex_color
from notification.mails.return_paths import ReturnPaths
from notification.transports.sms.settings import (
    SmsSettings,
    is_any_given,
    provider_names,
    web_address,
)
from notification.unsubscribe.links import Links
from notification.webhooks.secrets import WebhookSeal

SCHEMA = "notification"
#: A shorter secret could be tried out by whoever has a link.
SECRET_CHARS = 32


def _region(text: str) -> str:
    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("expected the two letters of a country, such as TZ")
    return text.upper()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise ValueError("expected a whole number, or 0 for never")
    return int(text)


def _long(text: str) -> str:
    if len(text) < SECRET_CHARS:
        raise ValueError(f"expected at least {SECRET_CHARS} characters that nobody can guess")
    return text


def _selector(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?", text):
        raise ValueError("expected a name as it stands before ._domainkey, such as 2026a")
    return text


def _domain(text: str) -> str:
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", text.lower()):
        raise ValueError("expected a domain, such as bounce.example.org")
    return text.lower()


def _currency(text: str) -> str:
    if not (text.isascii() and text.isalpha() and len(text) == 3):
        raise ValueError("expected the three letters of a currency, such as TZS")
    return text.upper()


@dataclass(frozen=True, kw_only=True)
class Settings(ConsoleSettings):
    """Everything this service reads from its environment."""

    retention_days: int = setting("NOTIFICATION_RETENTION_DAYS", positive(int), default=90)
    lease_s: float = setting("NOTIFICATION_LEASE_SECONDS", positive(float), default=60.0)
    #: How long providers are asked about an UNKNOWN message before its event's policy decides.
    unknown_wait_s: float = setting(
        "NOTIFICATION_UNKNOWN_WAIT_SECONDS", positive(float), default=900.0
    )
    #: So many failures for good, and an address is skipped; 0: never.
    skipped_after: int = setting("NOTIFICATION_SKIPPED_AFTER_FAILURES", _count, default=3)
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
    #: DKIM: where the public key stands in DNS, and the private one.
    dkim_selector: str = setting("NOTIFICATION_DKIM_SELECTOR", _selector, default="")
    dkim_key_file: Path | None = setting("NOTIFICATION_DKIM_KEY_FILE", Path, default=None)
    #: What stands around e-mails that are written in Markdown; the footer's `\n` are line ends.
    mail_name: str = setting("NOTIFICATION_MAIL_NAME", default="")
    mail_color: str = setting("NOTIFICATION_MAIL_COLOR", hex_color, default=USUAL_COLOR)
    mail_footer: str = setting(
        "NOTIFICATION_MAIL_FOOTER", lambda text: text.replace("\\n", "\n"), default=""
    )
    attachment_types: tuple[str, ...] = setting(
        "NOTIFICATION_ATTACHMENT_TYPES", media_types, default=USUAL_TYPES
    )
    #: Of all files of an event together.
    attachments_max_bytes: int = setting(
        "NOTIFICATION_ATTACHMENTS_MAX_BYTES", positive(int), default=USUAL_MAX_BYTES
    )
    #: Where mail servers report failures to, and what those addresses, and the intake, prove
    #: themselves with.
    bounce_domain: str = setting("NOTIFICATION_BOUNCE_DOMAIN", _domain, default="")
    bounce_secret: str = setting("NOTIFICATION_BOUNCE_SECRET", _long, default="", secret=True)
    #: Asked about the sender's domain; none: the system's.
    dns_servers: tuple[DnsServer, ...] = setting(
        "NOTIFICATION_DNS_SERVERS", dns_servers, default=()
    )
    #: Where links in e-mails lead to this installation, and what they are sealed with.
    public_url: str = setting("NOTIFICATION_PUBLIC_URL", web_address, default="")
    link_secret: str = setting("NOTIFICATION_LINK_SECRET", _long, default="", secret=True)
    #: What the secrets of webhooks are sealed with; without it there are none.
    webhook_secret: str = setting("NOTIFICATION_WEBHOOK_SECRET", _long, default="", secret=True)
    sms_providers: tuple[str, ...] = setting(
        "NOTIFICATION_SMS_PROVIDER", provider_names, default=()
    )
    #: One for each of `sms_providers`, in their order.
    sms: tuple[SmsSettings, ...] = ()
    currency: str = setting("NOTIFICATION_CURRENCY", _currency, default="TZS")
    proxy_port: int = setting("PROXY_PORT", int, default=8081)
    proxy_url_override: str | None = setting("PROXY_URL", default=None)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build the settings from `environ`. Raises SettingError."""
        settings = super().read(environ)
        if bool(settings.public_url) != bool(settings.link_secret):
            missing = "LINK_SECRET" if settings.public_url else "PUBLIC_URL"
            raise SettingError(f"NOTIFICATION_{missing} is not set, but its partner is")
        if bool(settings.bounce_domain) != bool(settings.bounce_secret):
            missing = "SECRET" if settings.bounce_domain else "DOMAIN"
            raise SettingError(f"NOTIFICATION_BOUNCE_{missing} is not set, but its partner is")
        names = settings.sms_providers or (("generic",) if is_any_given(environ) else ())
        is_named = bool(settings.sms_providers)
        providers = (
            SmsSettings.read(name, environ, is_first=name == names[0], is_named=is_named)
            for name in names
        )
        return replace(settings, sms_providers=names, sms=tuple(providers))

    @property
    def sms_prices(self) -> dict[str, int]:
        """What a segment costs, in ten-thousandths of the currency's unit, by provider."""
        return {one.name: one.segment_price for one in self.sms if one.segment_price}

    @property
    def links(self) -> Links | None:
        """The links that unsubscribe; None: e-mails have none."""
        return Links(self.public_url, self.link_secret) if self.public_url else None

    @property
    def mail_frame(self) -> Frame:
        """What stands around e-mails that are written in Markdown."""
        return Frame(self.mail_name, self.mail_color, self.mail_footer)

    @property
    def attachment_limits(self) -> Limits:
        """Which files go with e-mails."""
        return Limits(self.attachment_types, self.attachments_max_bytes)

    @property
    def return_paths(self) -> ReturnPaths | None:
        """Where failures are reported to; None: to the sender, and nobody reads them here."""
        return ReturnPaths(self.bounce_domain, self.bounce_secret) if self.bounce_domain else None

    @property
    def webhook_seal(self) -> WebhookSeal | None:
        """What seals the secrets of webhooks; None: there are no webhooks."""
        seal = WebhookSeal(self.seal_keys_folder, self.webhook_secret)
        return seal if seal.is_ready else None

    @property
    def required_webhook_seal(self) -> WebhookSeal:
        """The same. Raises WebhooksNotSetUp."""
        if (seal := self.webhook_seal) is None:
            raise WebhooksNotSetUp
        return seal

    @property
    def proxy_url(self) -> str:
        """Where the proxy publishes the keys that sign access tokens."""
        return self.proxy_url_override or f"http://127.0.0.1:{self.proxy_port}"
