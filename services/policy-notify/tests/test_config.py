"""Settings: openIMIS's keys from JSON and TOML, overridden by the environment, checked at start."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common.settings import SettingError
from policy_notify.config import Settings
from policy_notify.models import NotificationType
from policy_notify.providers.build import build_providers

OPENIMIS: dict[str, Any] = {
    "providers": {
        "egasmsGATEWAY": {
            "GateUrl": "http://127.0.0.1:8000",
            "SmsResource": "/sms",
            "PrivateKey": "k",
            "UserId": "u",
            "SenderId": "s",
            "ServiceId": "i",
            "RequestType": "api",
            "HeaderKeys": "A,B,C",
            "HeaderValues": "PrivateKey,UserId,RequestType",
        },
        "TextNotificationProvider": {"DestinationFolder": "sent_notification"},
        "NotificationService": {"EventPrefix": "POLICY_"},
    },
    "eligibleNotificationTypes": {"activation_of_policy": True, "starting_of_policy": False},
    "family_policy_notification_report_perms": ["131224"],
    "trigger_time_interval_hours": 6,
    "trigger_first_call_hour": 6,
    "trigger_last_call_hour": 18,
    "reminder_before_expiry_days": 14,
    "reminder_after_expiry_days": 7,
    "policy_activation_relevance_maximum_days_timedelta": 2,
    "policy_renewal_relevance_maximum_days_timedelta": 3,
}
TOML = """
trigger_first_call_hour = 6
[providers.TextNotificationProvider]
DestinationFolder = "out"
[eligibleNotificationTypes]
need_for_renewal = true
"""


def read(tmp_path: Path, given: Any, **environ: str) -> Settings:
    path = tmp_path / "config.json"
    path.write_text(given if isinstance(given, str) else json.dumps(given))
    return Settings.read({"POLICY_NOTIFICATION_CONFIG": str(path), **environ})


def test_openimis_keys_are_read_from_json(tmp_path: Path) -> None:
    settings = read(tmp_path, OPENIMIS)
    assert settings.eligible_types == {NotificationType.ACTIVATION}
    assert settings.hours == (6, 12, 18)
    assert (settings.before_expiry_days, settings.after_expiry_days) == (14, 7)
    assert (settings.activation_relevance_days, settings.renewal_relevance_days) == (2, 3)
    assert settings.report_rights == ("131224",)
    names = [provider.name for provider in build_providers(settings)]
    assert names == ["eGASMSGateway", "TextNotificationProvider", "NotificationService"]


def test_toml_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    settings = Settings.read({"POLICY_NOTIFICATION_CONFIG": str(path)})
    assert settings.eligible_types == {NotificationType.BEFORE_EXPIRY}
    assert settings.providers == (("TextNotificationProvider", {"DestinationFolder": "out"}),)


def test_environment_wins(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        OPENIMIS,
        REMINDER_BEFORE_EXPIRY_DAYS="3",
        ELIGIBLE_NOTIFICATION_TYPES="all",
        SCHEDULED_TASK_HOUR="8-10",
        TRIGGER_FIRST_CALL_HOUR=" ",
    )
    assert settings.before_expiry_days == 3
    assert settings.eligible_types == frozenset(NotificationType)
    assert settings.hours == (8, 9, 10)
    assert settings.trigger_first_hour == 6


def test_defaults_send_nothing() -> None:
    settings = Settings.read({})
    assert settings.eligible_types == frozenset()
    assert settings.hours == (8, 12, 16, 20)
    assert build_providers(settings) == ()
    assert str(settings.scheme_timezone) == "Africa/Dar_es_Salaam"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Providers": {}}, "unknown key Providers"),
        ({"providers": []}, "PROVIDERS"),
        ({"providers": {"X": 1}}, "the settings of X"),
        ({"eligibleNotificationTypes": {"birthday": True}}, "unknown type birthday"),
        ({"eligibleNotificationTypes": {"need_for_renewal": "perhaps"}}, "need_for_renewal"),
        ({"trigger_first_call_hour": 24}, "TRIGGER_FIRST_CALL_HOUR"),
        ({"reminder_before_expiry_days": -1}, "REMINDER_BEFORE_EXPIRY_DAYS"),
        ({"reminder_after_expiry_days": 3651}, "REMINDER_AFTER_EXPIRY_DAYS"),
        ("[]", "does not hold an object"),
        ("{", "JSONDecodeError"),
    ],
)
def test_bad_file_stops_the_start_and_names_the_culprit(
    tmp_path: Path, given: Any, words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        read(tmp_path, given)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SCHEDULED_TASK_HOUR": "25"}, "SCHEDULED_TASK_HOUR"),
        ({"SCHEME_TIMEZONE": "Mars/Olympus"}, "SCHEME_TIMEZONE"),
        ({"NOTIFICATION_LANGUAGES": ","}, "NOTIFICATION_LANGUAGES"),
        ({"POLICY_NOTIFICATION_CONFIG": "/nowhere"}, "POLICY_NOTIFICATION_CONFIG"),
    ],
)
def test_bad_variable_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Settings.read(environ)


def test_unknown_provider_stops_the_start_with_the_known_ones(tmp_path: Path) -> None:
    settings = read(tmp_path, {"providers": {"Pigeon": {}}})
    known = "eGASMSGateway, NotificationService, TextNotificationProvider"
    with pytest.raises(SettingError, match=f"Pigeon; known ones: {known}"):
        build_providers(settings)


def test_private_key_is_not_in_the_settings_repr(tmp_path: Path) -> None:
    given = {"providers": {"eGASMSGateway": {"PrivateKey": "open sesame"}}}
    assert "open sesame" not in repr(read(tmp_path, given))


def test_own_secret_is_given_or_kept_by_the_embedded_shape(tmp_path: Path) -> None:
    given = Settings(var_dir=tmp_path, providers=(("NotificationService", {}),))
    (without,) = build_providers(given)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "policy-notify-client-secret").write_text("kept\n")
    (kept,) = build_providers(given)
    (notified,) = build_providers(replace(given, client_secret="notified"))

    credentials = [getattr(one, "credentials", None) for one in (without, kept, notified)]
    assert [one and one.client_secret for one in credentials] == [None, "kept", "notified"]
    assert [one and one.client_id for one in credentials] == [None, *["policy-notify"] * 2]


def test_openimis_own_default_with_empty_keys_starts_and_is_not_set_up(tmp_path: Path) -> None:
    keys = ("GateUrl", "SmsResource", "PrivateKey", "UserId", "SenderId", "ServiceId")
    seed = {
        **dict.fromkeys(keys, ""),
        "RequestType": "",
        "HeaderKeys": "X-Auth-Request-Hash,X-Auth-Request-Id,X-Auth-Request-Type",
        "HeaderValues": "HashMessage1,UserId,RequestType",
    }
    given = {"providers": {"eGASMSGateway": seed, "TextNotificationProvider": {}}}
    (only,) = build_providers(read(tmp_path, given))
    assert only.name == "TextNotificationProvider"


def test_gateway_that_is_set_up_in_part_stops_the_start(tmp_path: Path) -> None:
    given = {"providers": {"eGASMSGateway": {"GateUrl": "http://127.0.0.1", "PrivateKey": ""}}}
    with pytest.raises(SettingError, match="SmsResource"):
        build_providers(read(tmp_path, given))
