"""The settings of one SMS provider.

The plain names (`NOTIFICATION_SMS_URL`) are the first provider's; another one's carry its name
(`NOTIFICATION_SMS_BEEM_URL`), so that no credential goes to an address that is not its own. What
suits all of them (`SHARED`) holds for all, unless it is named.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from common.settings import SettingError, flag, positive, read_values, setting

from notification.models.costs import PARTS_OF_UNIT
from notification.transports.sms.rules import AnswerRule, answer_rules
from notification.transports.sms.smpp_text import LongTexts, long_texts

PREFIX = "NOTIFICATION_SMS_"
PROVIDERS = (
    "generic",
    "nextsms",
    "beem",
    "africastalking",
    "infobip",
    "mgov",
    "smpp",
    "console",
    "file",
)
SHARED = frozenset({f"{PREFIX}TIMEOUT", f"{PREFIX}SENDER_ID", f"{PREFIX}CONCURRENCY"})


class NumberFormat(enum.StrEnum):
    """How a provider wants numbers."""

    E164 = "e164"  # +255712345678
    DIGITS = "digits"  # 255712345678


def number_format(text: str) -> NumberFormat:
    """One of `e164` and `digits`. Raises ValueError."""
    if text.lower() not in set(NumberFormat):
        raise ValueError("expected e164 (+255…) or digits (255…)")
    return NumberFormat(text.lower())


def price(text: str) -> int:
    """`18.5` in ten-thousandths of the currency's unit. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,7})(?:\.([0-9]{1,4}))?", text.strip())
    if found is None:
        raise ValueError("expected a price such as 18.5, of at most four decimals")
    return int(found[1]) * PARTS_OF_UNIT + int((found[2] or "").ljust(4, "0"))


def provider_names(text: str) -> tuple[str, ...]:
    """Comma-separated names, each once. Raises ValueError."""
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if not names or len(set(names)) < len(names) or not set(names) <= set(PROVIDERS):
        raise ValueError(f"expected some of {', '.join(PROVIDERS)}, each once")
    return names


def web_address(text: str) -> str:
    """An `http` or `https` URL that a request can be sent to. Raises ValueError."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected an address that begins with http:// or https://")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("expected an address without credentials")
    return text


def header_text(text: str) -> str:
    """What may stand in a header field. Raises ValueError."""
    if not text.isascii() or not text.isprintable():
        raise ValueError("expected printable ASCII characters")
    return text


def is_any_given(environ: Mapping[str, str]) -> bool:
    """Whether the environment speaks of an SMS provider, though it may not name one."""
    return any(
        name.startswith(PREFIX) and name not in SHARED and text.strip()
        for name, text in environ.items()
    )


@dataclass(frozen=True, kw_only=True)
class SmsSettings:
    """Where a provider is, who we are to it, and how much it is given at once."""

    name: str
    url: str | None = setting("NOTIFICATION_SMS_URL", web_address, default=None)
    token: str = setting("NOTIFICATION_SMS_TOKEN", header_text, default="", secret=True)
    auth_header: str = setting("NOTIFICATION_SMS_AUTH_HEADER", header_text, default="", secret=True)
    username: str = setting("NOTIFICATION_SMS_USERNAME", default="")
    api_key: str = setting("NOTIFICATION_SMS_API_KEY", header_text, default="", secret=True)
    secret_key: str = setting("NOTIFICATION_SMS_SECRET_KEY", default="", secret=True)
    sys_id: str = setting("NOTIFICATION_SMS_SYS_ID", header_text, default="")
    service_id: str = setting("NOTIFICATION_SMS_SERVICE_ID", default="")
    sender_id: str = setting("NOTIFICATION_SMS_SENDER_ID", default="")
    #: None: as the dialect has it.
    number_format: NumberFormat | None = setting(
        "NOTIFICATION_SMS_NUMBER_FORMAT", number_format, default=None
    )
    #: In ten-thousandths of the currency's unit.
    segment_price: int = setting("NOTIFICATION_SMS_SEGMENT_PRICE", price, default=0)
    timeout_s: float = setting("NOTIFICATION_SMS_TIMEOUT", positive(float), default=15.0)
    concurrency: int = setting("NOTIFICATION_SMS_CONCURRENCY", positive(int), default=16)
    ask_url: str | None = setting("NOTIFICATION_SMS_ASK_URL", web_address, default=None)
    #: What in a 2xx of the generic provider is a yes, and what a no.
    success_when: tuple[AnswerRule, ...] = setting(
        "NOTIFICATION_SMS_SUCCESS_WHEN", answer_rules, default=()
    )
    refused_when: tuple[AnswerRule, ...] = setting(
        "NOTIFICATION_SMS_REFUSED_WHEN", answer_rules, default=()
    )
    receipt_secret: str = setting("NOTIFICATION_SMS_RECEIPT_SECRET", default="", secret=True)
    folder: Path = setting("NOTIFICATION_SMS_FOLDER", Path, default=Path("sms"))
    #: Of `smpp`: where the SMSC is, our password there, how it is spoken to.
    host: str = setting("NOTIFICATION_SMS_HOST", header_text, default="")
    port: int = setting("NOTIFICATION_SMS_PORT", positive(int), default=2775)
    password: str = setting("NOTIFICATION_SMS_PASSWORD", default="", secret=True)
    system_type: str = setting("NOTIFICATION_SMS_SYSTEM_TYPE", header_text, default="")
    use_tls: bool = setting("NOTIFICATION_SMS_USE_TLS", flag, default=False)
    long_texts: LongTexts = setting(
        "NOTIFICATION_SMS_LONG_TEXTS", long_texts, default=LongTexts.UDH
    )
    enquire_link_s: float = setting("NOTIFICATION_SMS_ENQUIRE_LINK", positive(float), default=30.0)
    #: The plain names are this provider's.
    is_first: bool = True
    #: False: nothing but an address is given, as in the Django mediator's settings.
    is_named: bool = True

    @classmethod
    def read(
        cls, name: str, environ: Mapping[str, str], *, is_first: bool, is_named: bool = True
    ) -> Self:
        """The settings of provider `name`. Raises SettingError."""

        def variable_of(plain: str) -> str:
            own = own_name(plain, name)
            is_given = bool(environ.get(own, "").strip())
            return plain if (is_first or plain in SHARED) and not is_given else own

        given = read_values(cls, environ, variable_of)
        return cls(name=name, is_first=is_first, is_named=is_named, **given)

    def require(self, *fields: str) -> None:
        """Raises SettingError that names the variable of the first of `fields` that is empty."""
        for field in fields:
            if not getattr(self, field):
                variable = self.variable(field)
                raise SettingError(f"{variable} is not set; SMS provider {self.name} needs it")

    def variable(self, field: str) -> str:
        """The variable that this provider's `field` is read from."""
        plain = f"{PREFIX}{field.upper()}"
        return plain if self.is_first else own_name(plain, self.name)


def own_name(plain: str, provider: str) -> str:
    """`NOTIFICATION_SMS_URL` to `NOTIFICATION_SMS_BEEM_URL`."""
    return plain.replace(PREFIX, f"{PREFIX}{provider.upper()}_", 1)
