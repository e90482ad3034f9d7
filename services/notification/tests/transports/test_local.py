"""`console` and `file`: what developers see, and nothing leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest
from notification.transports import Outcome
from notification.transports.sms.local import Console, Files


def test_console_prints_each_message(capsys: pytest.CaptureFixture, message: Callable) -> None:
    results = Console().send([message(), message(to=("+255712345678", "+255712345679"))])
    assert {result.outcome for result in results} == {Outcome.SENT}
    assert capsys.readouterr().out.splitlines() == [
        "SMS to +255712345678: Habari, umefika",
        "SMS to +255712345678, +255712345679: Habari, umefika",
    ]
    assert Console().ask(message()) is None


def test_one_file_per_message(tmp_path: Path, message: Callable) -> None:
    folder = tmp_path / "sms"
    results = Files(folder).send([message(), message(reference="key-2", body="Pili")])
    names = [result.provider_message_id for result in results]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    text = (folder / names[0]).read_text()
    assert text == "To: +255712345678\nReference: key-1\n\nHabari, umefika\n"


def test_the_folder_can_be_asked(tmp_path: Path, message: Callable) -> None:
    files = Files(tmp_path)
    (sent,) = files.send([message()])
    found = files.ask(message())
    assert (found.outcome, found.provider_message_id) == (Outcome.SENT, sent.provider_message_id)
    assert files.ask(message(reference="another")).outcome is Outcome.REFUSED_FOR_NOW


def test_a_folder_that_cannot_be_written_refuses_for_now(tmp_path: Path, message: Callable) -> None:
    (tmp_path / "sms").write_text("a file")
    (result,) = Files(tmp_path / "sms").send([message()])
    assert result.outcome is Outcome.REFUSED_FOR_NOW
    assert "file cannot be written" in result.error
