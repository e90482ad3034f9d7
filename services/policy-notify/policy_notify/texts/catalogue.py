"""The texts of messages: gettext catalogues by language, overridden by files, filled with values.

A catalogue's message ids are the template keys. `{Name}` in a text is filled by plain look-up;
openIMIS's form of it, `%(Name)s`, is read as well.
"""

import gettext
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from common.settings import SettingError

from policy_notify.models import NotificationType, PaymentText

DOMAIN = "policy_notify"
CATALOGUES = Path(__file__).parents[1] / "locales"

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
    "RequestTime",
    "PaymentDate",
    "PaymentLeft",
    "NumberPolicies",
)
#: What openIMIS's own texts call some of them.
SYNONYMS = {
    "DateRequest": "RequestDate",
    "TimeRequest": "RequestTime",
    "DatePayment": "PaymentDate",
    "Payment": "ReceivedAmount",
}
#: The key of each text about a payment.
PAYMENT_KEYS = {one: f"sms_{one.value}" for one in PaymentText}
VARIABLES = {
    **dict.fromkeys(TEMPLATE_KEYS.values(), POLICY_VARIABLES),
    **dict.fromkeys(PAYMENT_KEYS.values(), PAYMENT_VARIABLES),
}

#: A message about a date that is past by now speaks as this type does.
_WHEN_PAST = {
    NotificationType.STARTING: NotificationType.ACTIVATION,
    NotificationType.EXPIRATION: NotificationType.AFTER_EXPIRY,
}

_PLACEHOLDER = re.compile(r"\{([A-Za-z]+)\}")
_PERCENT = re.compile(r"%\(([^()]*)\)s")
#: Anything that was meant as a placeholder.
_MEANT = re.compile(r"\{([^{}]*)\}|(%\([^()]*\).?)")


def spoken_as(type_: NotificationType, event_date: date, today: date) -> NotificationType:
    """The type whose text is right on `today`: what was due on a day that is past. Pure."""
    return _WHEN_PAST.get(type_, type_) if event_date < today else type_


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

    def lacks(self, language: str, key: str, values: Mapping[str, str]) -> str | None:
        """The first placeholder of the text that has no value; None: the text has no hole."""
        named = _PLACEHOLDER.findall(self.templates[language, key])
        return next((name for name in named if not values[name].strip()), None)

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
    text = _PERCENT.sub(lambda found: f"{{{SYNONYMS.get(found[1], found[1])}}}", text)
    text = _PLACEHOLDER.sub(lambda found: f"{{{SYNONYMS.get(found[1], found[1])}}}", text)
    meant = {braced or percent for braced, percent in _MEANT.findall(text)}
    unknown = sorted(meant - set(VARIABLES[key]))
    if unknown:
        raise SettingError(
            f"NOTIFICATION_TEXTS_DIR: {language}/{key} names {{{unknown[0]}}}; "
            f"known ones: {', '.join(VARIABLES[key])}"
        )
    return text
