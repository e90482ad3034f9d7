"""The settings of one SMS provider.

The plain names (`NOTIFICATION_SMS_URL`) are the first provider's; another one's carry its name
(`NOTIFICATION_SMS_BEEM_URL`), so that no credential goes to an address that is not its own. What
suits all of them (`SHARED`) holds for all, unless it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from common.settings import SettingError, positive, read_values, setting

PREFIX = "NOTIFICATION_SMS_"
PROVIDERS = (
    "generic",
    "nextsms",
    "beem",
    "africastalking",
    "infobip",
    "mgov",
    "console",
    "file",
)
SHARED = frozenset({f"{PREFIX}TIMEOUT", f"{PREFIX}SENDER_ID", f"{PREFIX}CONCURRENCY"})


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
    timeout_s: float = setting("NOTIFICATION_SMS_TIMEOUT", positive(float), default=15.0)
    concurrency: int = setting("NOTIFICATION_SMS_CONCURRENCY", positive(int), default=16)
    ask_url: str | None = setting("NOTIFICATION_SMS_ASK_URL", web_address, default=None)
    receipt_secret: str = setting("NOTIFICATION_SMS_RECEIPT_SECRET", default="", secret=True)
    folder: Path = setting("NOTIFICATION_SMS_FOLDER", Path, default=Path("sms"))
    #: The plain names are this provider's.
    is_first: bool = True

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str], *, is_first: bool) -> Self:
        """The settings of provider `name`. Raises SettingError."""

        def variable_of(plain: str) -> str:
            own = own_name(plain, name)
            is_given = bool(environ.get(own, "").strip())
            return plain if (is_first or plain in SHARED) and not is_given else own

        return cls(name=name, is_first=is_first, **read_values(cls, environ, variable_of))

    def require(self, *fields: str) -> None:
        """Raises SettingError that names the variable of the first of `fields` that is empty."""
        for field in fields:
            if not getattr(self, field):
                plain = f"{PREFIX}{field.upper()}"
                variable = plain if self.is_first else own_name(plain, self.name)
                raise SettingError(f"{variable} is not set; SMS provider {self.name} needs it")


def own_name(plain: str, provider: str) -> str:
    """`NOTIFICATION_SMS_URL` to `NOTIFICATION_SMS_BEEM_URL`."""
    return plain.replace(PREFIX, f"{PREFIX}{provider.upper()}_", 1)
