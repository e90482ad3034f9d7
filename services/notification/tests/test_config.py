"""Settings: what cannot be meant is refused at start, by its name; secrets are in no repr."""

import pytest
from common.settings import SettingError
from notification.config import Settings

LONG = "a secret of more than thirty-two characters"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFICATION_PHONE_REGION", "Tanzania"),
        ("NOTIFICATION_CURRENCY", "shilling"),
        ("NOTIFICATION_SMTP_PORT", "smtp"),
        ("NOTIFICATION_LEASE_SECONDS", "0"),
        ("NOTIFICATION_SKIPPED_AFTER_FAILURES", "-1"),
        ("NOTIFICATION_MAIL_COLOR", "blue"),
        ("NOTIFICATION_LINK_SECRET", "short"),
        ("NOTIFICATION_SMS_PROVIDER", "pigeon"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"NOTIFICATION_PUBLIC_URL": "https://hub.example"}, "NOTIFICATION_LINK_SECRET"),
        ({"NOTIFICATION_BOUNCE_SECRET": LONG}, "NOTIFICATION_BOUNCE_DOMAIN"),
    ],
)
def test_a_setting_without_its_partner_is_refused(given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingError, match=missing):
        Settings.read(given)


def test_no_secret_is_in_a_repr() -> None:
    settings = Settings.read(
        {"NOTIFICATION_SMTP_PASSWORD": "Hapana-1", "NOTIFICATION_WEBHOOK_SECRET": f"Hapana {LONG}"}
    )
    assert settings.smtp_password == "Hapana-1"
    assert "Hapana" not in repr(settings)
