"""From the environment to the transports: who is chosen, and what stops the start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from common.settings import SettingError
from notification.config import Settings
from notification.models import ChannelCode
from notification.transports import Outcome
from notification.transports.build import build_transports
from notification.transports.sms.settings import SmsSettings

SMS = "NOTIFICATION_SMS_"
URL = {f"{SMS}URL": "https://sms.example.org/send"}
BEEM = {f"{SMS}BEEM_API_KEY": "k3y", f"{SMS}BEEM_SECRET_KEY": "s3cret"}


def read(tmp_path: Path, **environ: str) -> Settings:
    settings = Settings.read({"VAR_DIR": str(tmp_path), **environ})
    build_transports(settings)
    return settings


def test_an_address_alone_is_the_generic_provider(tmp_path: Path) -> None:
    (one,) = read(tmp_path, **URL, **{f"{SMS}TOKEN": "t0ken", f"{SMS}TIMEOUT": "7"}).sms
    assert (one.name, one.url, one.token) == ("generic", URL[f"{SMS}URL"], "t0ken")
    assert (one.timeout_s, one.concurrency) == (7.0, 16)


def test_plain_names_are_the_first_providers_and_others_carry_theirs(tmp_path: Path) -> None:
    shared = {f"{SMS}SENDER_ID": "KIUNGO", f"{SMS}TIMEOUT": "7", f"{SMS}BEEM_TIMEOUT": "9"}
    chosen = {f"{SMS}PROVIDER": "generic, Beem", f"{SMS}TOKEN": "t0ken"}
    first, second = read(tmp_path, **URL, **BEEM, **shared, **chosen).sms
    assert (first.name, first.token, first.timeout_s) == ("generic", "t0ken", 7.0)
    assert (second.name, second.api_key, second.timeout_s) == ("beem", "k3y", 9.0)
    assert second.sender_id == "KIUNGO"
    # The first one's address and token are nothing to the second.
    assert (second.url, second.token) == (None, "")


def test_the_first_providers_settings_may_carry_its_name(tmp_path: Path) -> None:
    (one,) = read(tmp_path, **BEEM, **{f"{SMS}PROVIDER": "beem", f"{SMS}API_KEY": "other"}).sms
    assert one.api_key == "k3y"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PROVIDER": "pigeon"}, "SMS_PROVIDER cannot be read: expected some of generic"),
        ({"PROVIDER": "file,file"}, "SMS_PROVIDER"),
        ({"PROVIDER": ","}, "SMS_PROVIDER"),
        ({"PROVIDER": "generic"}, "SMS_URL is not set"),
        ({"TOKEN": "t0ken"}, "SMS_URL is not set"),
        ({"PROVIDER": "beem", "API_KEY": "k3y"}, "SMS_SECRET_KEY is not set"),
        ({"PROVIDER": "file,beem", "API_KEY": "k3y"}, "SMS_BEEM_API_KEY is not set"),
        ({"PROVIDER": "africastalking", "API_KEY": "k3y"}, "SMS_USERNAME is not set"),
        ({"PROVIDER": "infobip"}, "SMS_API_KEY is not set"),
        ({"PROVIDER": "mgov", "API_KEY": "k", "SYS_ID": "1"}, "SMS_SERVICE_ID is not set"),
        ({"URL": "sms.example.org"}, "SMS_URL cannot be read"),
        ({"URL": "https://u:t0ken@sms.example.org/"}, "SMS_URL cannot be read"),
        ({"URL": "https://sms.example.org/a b"}, "SMS_URL cannot be read"),
        ({"URL": "https://sms.example.org:port/"}, "SMS_URL cannot be read"),
        ({"URL": "ftp://sms.example.org/"}, "SMS_URL cannot be read"),
        ({"PROVIDER": "file,generic", "GENERIC_URL": "x"}, "SMS_GENERIC_URL cannot be read"),
        ({"URL": "https://sms.example.org", "TOKEN": "t0ken\r\nX: y"}, "SMS_TOKEN cannot"),
        ({"PROVIDER": "file", "TIMEOUT": "0"}, "SMS_TIMEOUT cannot be read"),
        ({"PROVIDER": "file", "CONCURRENCY": "-1"}, "SMS_CONCURRENCY cannot be read"),
    ],
)
def test_wrong_sms_settings_stop_the_start(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        read(tmp_path, **{f"{SMS}{name}": text for name, text in environ.items()})
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NOTIFICATION_PHONE_REGION", "Tanzania"),
        ("NOTIFICATION_SMTP_PORT", "smtp"),
        ("NOTIFICATION_SMTP_USE_TLS", "perhaps"),
        ("NOTIFICATION_SMTP_TIMEOUT", "-1"),
    ],
)
def test_other_wrong_settings_stop_the_start(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingError, match=name):
        read(tmp_path, **{name: text})


def test_secrets_do_not_show(tmp_path: Path) -> None:
    mail = {"NOTIFICATION_SMTP_HOST": "127.0.0.1", "NOTIFICATION_FROM_EMAIL": "a@example.org"}
    login = {"NOTIFICATION_SMTP_USERNAME": "u", "NOTIFICATION_SMTP_PASSWORD": "xyz-1"}
    secret = ("TOKEN", "AUTH_HEADER", "API_KEY", "SECRET_KEY", "RECEIPT_SECRET")
    sms = {f"{SMS}{name}": f"xyz-{name}" for name in secret}
    assert "xyz" not in repr(read(tmp_path, **mail, **login, **URL, **sms))


@pytest.mark.parametrize(
    ("channel", "variable"),
    [
        (ChannelCode.SMS, "NOTIFICATION_SMS_PROVIDER"),
        (ChannelCode.EMAIL, "NOTIFICATION_SMTP_HOST"),
    ],
)
def test_a_channel_without_settings_refuses_for_good_and_says_what_is_missing(
    tmp_path: Path, message: Callable, channel: ChannelCode, variable: str
) -> None:
    transport = build_transports(Settings(var_dir=tmp_path))[channel]
    with transport.batch() as sender:
        (result,) = sender.send([message()])
    assert (result.outcome, result.provider) == (Outcome.REFUSED_FOR_GOOD, "none")
    assert variable in (result.error or "")
    assert transport.ask(message(), None) is None


@pytest.mark.parametrize("name", ["file", "console"])
def test_development_providers_need_no_settings(
    tmp_path: Path, message: Callable, name: str
) -> None:
    settings = read(tmp_path, **{f"{SMS}PROVIDER": name})
    transport: Any = build_transports(settings)[ChannelCode.SMS]
    (result,) = transport.send([message()])
    assert (result.outcome, result.provider) == (Outcome.SENT, name)
    assert (tmp_path / "sms").exists() == (name == "file")


def test_a_slice_keeps_every_request_under_way_busy(tmp_path: Path) -> None:
    sms = (SmsSettings(name="generic", url="http://127.0.0.1:9", concurrency=5),)
    transports = build_transports(Settings(var_dir=tmp_path, sms=sms))
    assert transports[ChannelCode.SMS].slice_size == 20
