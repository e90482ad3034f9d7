"""What the repository says about notification is what it does."""

import dataclasses
import re
from pathlib import Path

from common.console.settings import ConsoleSettings
from flask import Flask
from notification.config import Settings
from notification.emit import choose as choosing
from notification.emit import enqueue as queueing
from notification.transports.sms.settings import SmsSettings
from service_documents import check_openapi

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMON = {field.name for field in dataclasses.fields(ConsoleSettings)}
OWN = {
    field.metadata["variable"]: field.default
    for settings in (Settings, SmsSettings)
    for field in dataclasses.fields(settings)
    if field.name not in COMMON and "variable" in field.metadata
}


def table_of_settings() -> list[tuple[list[str], str]]:
    """Of each row the variables, abbreviated ones in full, and the default."""
    section = README.split("\n## Settings\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [(_whole(re.findall(r"`([^`]+)`", row[0])), row[1].strip()) for row in rows]


def _whole(names: list[str]) -> list[str]:
    """`NOTIFICATION_SMS_USERNAME, _API_KEY`: the second is NOTIFICATION_SMS_API_KEY."""
    return [f"NOTIFICATION_SMS{name}" if name.startswith("_") else name for name in names]


def test_table_of_settings_names_every_variable_and_no_other() -> None:
    assert sorted(name for names, _ in table_of_settings() for name in names) == sorted(OWN)


def test_table_of_settings_has_the_numbers_that_hold_without_them() -> None:
    for names, default in table_of_settings():
        numbers = [OWN[name] for name in names if type(OWN[name]) in (int, float)]
        if numbers:
            assert [float(one) for one in re.findall(r"\d+", default)] == numbers, names


def test_reasons_in_the_readme_are_the_ones_that_are_given() -> None:
    for reason in (
        choosing.NOBODY_MATCHED,
        choosing.NO_CHANNELS,
        choosing.BLOCKED,
        choosing.NO_TEMPLATE,
        choosing.unknown_actor_type("X"),
        queueing.DUPLICATE,
    ):
        assert f"| `{reason}` |" in README


def test_the_committed_openapi_document_is_the_services_own(app: Flask) -> None:
    check_openapi("notification", app)
