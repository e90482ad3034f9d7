"""The texts of messages: gettext catalogues by language, overridden by files, filled with values.

A catalogue's message ids are the template keys. `{Name}` in a text is filled by plain look-up.
"""

import gettext
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.settings import SettingError

from policy_notify.models import NotificationType

DOMAIN = "policy_notify"
CATALOGUES = Path(__file__).parent / "locales"

#: The key of each type's text.
TEMPLATE_KEYS = {
    NotificationType.ACTIVATION: "sms_on_activation",
    NotificationType.STARTING: "sms_on_effective",
    NotificationType.BEFORE_EXPIRY: "sms_before_expiry",
    NotificationType.EXPIRATION: "sms_on_expiration",
    NotificationType.AFTER_EXPIRY: "sms_after_expiry",
    NotificationType.RENEWAL: "sms_on_renewal",
}
POLICY_VARIABLES = (
    "InsuranceID",
    "Name",
    "EffectiveDate",
    "ExpiryDate",
    "ProductCode",
    "ProductName",
    "AmountToBePaid",
)
#: What a text about a payment may name.
PAYMENT_VARIABLES = (
    *POLICY_VARIABLES,
    "ControlNumber",
    "RequestDate",
    "ExpectedAmount",
    "ReceivedAmount",
    "ErrorMessage",
)
PAYMENT_KEYS = (
    "sms_control_number_assigned",
    "sms_control_number_error_single_payment",
    "sms_control_number_error_bulk_payment",
    "sms_paid_and_activated",
    "sms_paid_and_not_activated",
    "sms_paid_and_not_matched",
)
VARIABLES = {
    **dict.fromkeys(TEMPLATE_KEYS.values(), POLICY_VARIABLES),
    **dict.fromkeys(PAYMENT_KEYS, PAYMENT_VARIABLES),
}

_PLACEHOLDER = re.compile(r"\{([A-Za-z]+)\}")


@dataclass(frozen=True)
class Texts:
    """Every text of every configured language, by language and key."""

    languages: tuple[str, ...]
    templates: Mapping[tuple[str, str], str]

    @classmethod
    def load(cls, languages: tuple[str, ...], overrides: Path | None = None) -> "Texts":
        """The catalogues' texts, and `overrides/<language>/<key>.txt` in their place.

        Raises SettingError for a language without texts and a text with an unknown placeholder.
        """
        templates = {}
        for language in languages:
            catalogue = gettext.translation(DOMAIN, CATALOGUES, [language], fallback=True)
            for key in VARIABLES:
                text = _override(overrides, language, key) or catalogue.gettext(key)
                templates[language, key] = _checked(text, language, key)
        return cls(languages, templates)

    def language(self, wanted: str | None) -> str:
        """The language that was wanted where it is configured, else the first."""
        return wanted if wanted in self.languages else self.languages[0]

    def fill(self, language: str, key: str, values: Mapping[str, str]) -> str:
        """The text with every placeholder filled. Raises KeyError for one without a value."""
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.templates[language, key])


def _override(folder: Path | None, language: str, key: str) -> str | None:
    if folder is None:
        return None
    path = folder / language / f"{key}.txt"
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingError(f"NOTIFICATION_TEXTS_DIR: {path} cannot be read") from exc


def _checked(text: str, language: str, key: str) -> str:
    if text == key:
        raise SettingError(f"NOTIFICATION_LANGUAGES: there is no text {key} in {language}")
    unknown = sorted(set(_PLACEHOLDER.findall(text)) - set(VARIABLES[key]))
    if unknown:
        raise SettingError(
            f"NOTIFICATION_TEXTS_DIR: {language}/{key} names {{{unknown[0]}}}; "
            f"known ones: {', '.join(VARIABLES[key])}"
        )
    return text
