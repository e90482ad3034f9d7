"""What the repository says about policy notification is what it does."""

import dataclasses
import re
from pathlib import Path

from common.console.settings import ConsoleSettings
from flask import Flask
from policy_notify import config_file
from policy_notify.config import Settings
from service_documents import check_openapi

FOLDER = Path(__file__).parent.parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
OWN = {
    field.metadata["variable"]: field
    for field in dataclasses.fields(Settings)
    if field.name not in {one.name for one in dataclasses.fields(ConsoleSettings)}
}


def table(title: str) -> list[list[str]]:
    """The cells of the table in a section, without its two head rows."""
    section = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_table_of_settings_names_every_variable_and_no_other() -> None:
    named = [name for row in table("Settings") for name in names(row[0])]
    assert sorted(named) == sorted(OWN)


def test_table_of_settings_names_every_key_of_the_file() -> None:
    by_variable = {key: name for name, key in config_file.VARIABLES.items()}
    for variables, keys, *_ in table("Settings"):
        expected = [by_variable[one] for one in names(variables) if one in by_variable]
        assert names(keys) == expected


def test_table_of_settings_has_the_numbers_that_hold_without_them() -> None:
    for variables, _, default, _ in table("Settings"):
        held = [OWN[name].default for name in names(variables)]
        numbers = [one for one in held if type(one) in (int, float)]
        if numbers:
            assert [float(one) for one in default.split(", ")] == numbers, variables


def test_the_committed_openapi_document_is_the_services_own(app: Flask) -> None:
    check_openapi("policy-notify", app)
