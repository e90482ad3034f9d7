"""What the demonstration sends stays on the machine, or is left out."""

from pathlib import Path

import demo_transports
import pytest
from ports import DEFAULT_PORTS
from procfile import read_procfile
from stack import Stack

PROGRAMS = read_procfile(Path(__file__).parent.parent.parent / "Procfile")


def test_mails_are_caught_and_sms_are_files() -> None:
    found = demo_transports.variables({}, {**DEFAULT_PORTS, "DEMO_MAIL_PORT": 9925}, PROGRAMS)
    assert found["NOTIFICATION_SMS_PROVIDER"] == "file"
    assert found["NOTIFICATION_SMTP_HOST"] == "127.0.0.1"
    assert found["NOTIFICATION_SMTP_PORT"] == "9925"
    assert found["NOTIFICATION_SMTP_USE_TLS"] == "false"
    assert found["NOTIFICATION_PUBLIC_URL"] == "http://127.0.0.1:8080"
    assert len(found["NOTIFICATION_LINK_SECRET"]) >= 32


@pytest.mark.parametrize("name", ["NOTIFICATION_SMS_URL", "NOTIFICATION_SMTP_HOST"])
def test_with_ways_out_of_ones_own_the_example_would_reach_strangers(
    name: str, tmp_path: Path
) -> None:
    assert demo_transports.variables({name: "somewhere"}, DEFAULT_PORTS, PROGRAMS) == {}
    assert not Stack.beside_others(tmp_path, {name: "somewhere"}).has_demo_transports
    assert Stack.beside_others(tmp_path, {name: ""}).has_demo_transports


def test_without_the_demonstration_there_are_no_ways_out(tmp_path: Path) -> None:
    stack = Stack.beside_others(tmp_path, {"DEMO": "0"})
    assert not stack.has_demo_transports
    assert "NOTIFICATION_SMS_PROVIDER" not in stack.installation.environ
