"""The configuration file: JSON or TOML with exactly openIMIS's keys, as texts for the settings."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.settings import SettingError, comma_list, flag

from policy_notify.models import NotificationType

#: openIMIS's key, and the variable that overrides it.
VARIABLES = {
    "providers": "PROVIDERS",
    "eligibleNotificationTypes": "ELIGIBLE_NOTIFICATION_TYPES",
    "family_policy_notification_report_perms": "FAMILY_POLICY_NOTIFICATION_REPORT_PERMS",
    "trigger_time_interval_hours": "TRIGGER_TIME_INTERVAL_HOURS",
    "trigger_first_call_hour": "TRIGGER_FIRST_CALL_HOUR",
    "trigger_last_call_hour": "TRIGGER_LAST_CALL_HOUR",
    "reminder_before_expiry_days": "REMINDER_BEFORE_EXPIRY_DAYS",
    "reminder_after_expiry_days": "REMINDER_AFTER_EXPIRY_DAYS",
    "policy_activation_relevance_maximum_days_timedelta": (
        "POLICY_ACTIVATION_RELEVANCE_MAXIMUM_DAYS_TIMEDELTA"
    ),
    "policy_renewal_relevance_maximum_days_timedelta": (
        "POLICY_RENEWAL_RELEVANCE_MAXIMUM_DAYS_TIMEDELTA"
    ),
}


def read(path: str) -> dict[str, str]:
    """The file's content by variable. Raises SettingError, which names the file or the key."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        given = tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
    except OSError as exc:
        raise SettingError(f"POLICY_NOTIFICATION_CONFIG: {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise SettingError(f"POLICY_NOTIFICATION_CONFIG: {path}: {type(exc).__name__}") from exc
    if not isinstance(given, dict):
        raise SettingError(f"POLICY_NOTIFICATION_CONFIG: {path} does not hold an object")
    unknown = sorted(given.keys() - VARIABLES.keys())
    if unknown:
        known = ", ".join(VARIABLES)
        raise SettingError(
            f"POLICY_NOTIFICATION_CONFIG: unknown key {unknown[0]}; known ones: {known}"
        )
    return {VARIABLES[key]: _as_text(value) for key, value in given.items()}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as exc:
        raise ValueError("expected a JSON object") from exc
    if not isinstance(given, dict):
        raise ValueError("expected a JSON object")
    return given


def parse_providers(text: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Providers with their settings, in the order in which they are tried."""
    given = _object(text)
    for name, settings in given.items():
        if not isinstance(settings, dict):
            raise ValueError(f"the settings of {name} are not an object")
    return tuple(given.items())


def parse_types(text: str) -> frozenset[NotificationType]:
    """`{"activation_of_policy": true, …}`, or the names of those that are sent; or `all`."""
    if text.strip() == "all":
        return frozenset(NotificationType)
    if not text.lstrip().startswith("{"):
        return frozenset(_type(name) for name in comma_list(text))
    given = _object(text)
    return frozenset(_type(name) for name, value in given.items() if _is_true(name, value))


def _type(name: str) -> NotificationType:
    try:
        return NotificationType(name)
    except ValueError as exc:
        known = ", ".join(NotificationType)
        raise ValueError(f"unknown type {name}; known ones: {known}") from exc


def _is_true(name: str, value: Any) -> bool:
    _type(name)
    try:
        return value if isinstance(value, bool) else flag(str(value))
    except ValueError as exc:
        raise ValueError(f"{name}: expected true or false") from exc


def parse_rights(text: str) -> tuple[str, ...]:
    """Right codes: a JSON list, or comma-separated."""
    if not text.lstrip().startswith("["):
        return comma_list(text)
    given = json.loads(text)
    return tuple(str(right) for right in given)
