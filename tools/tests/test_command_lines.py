"""Every command of `flask --app <service>` is where the service says, and needs no page."""

import importlib
from pathlib import Path

import click
import pytest
from flask import Flask

SERVICES = ("proxy", "esb_relay", "notification", "policy_notify")


@pytest.fixture(params=SERVICES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    settings = importlib.import_module(f"{request.param}.config").Settings
    made: Flask = importlib.import_module(f"{request.param}.command_line").create_app(
        settings(var_dir=tmp_path, log_level="CRITICAL")
    )
    return made


def test_every_command_is_found_under_its_name(app: Flask) -> None:
    context = click.Context(app.cli)
    names = app.cli.list_commands(context)
    assert {"worker", "purge", "reseal", "verify-audit"} <= set(names)
    for name in names:
        command = app.cli.get_command(context, name)
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.get_short_help_str(), name


def test_commands_come_without_pages(app: Flask) -> None:
    assert [rule.rule for rule in app.url_map.iter_rules()] == ["/static/<path:filename>"]


def test_a_command_that_is_not_there_is_said(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["no-such-command"])
    assert done.exit_code == 2
    assert "No such command 'no-such-command'" in done.output
