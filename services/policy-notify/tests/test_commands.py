"""The command line: import with a progress bar, runs by hand, the check of texts, housekeeping."""

import json
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from common.clock import utc_now
from flask import Flask
from policy_notify.container import Container
from policy_notify.models import (
    IndicationDetails,
    Insuree,
    NotificationType,
    Policy,
    SeenEvent,
)
from policy_notify.runs.lease import Lease
from policy_notify.runs.lifecycle import begin_by_hand
from sqlalchemy import func, select, update


def run(app: Flask, *arguments: str) -> Any:
    numbers = (signal.SIGINT, signal.SIGTERM)
    kept = {number: signal.getsignal(number) for number in numbers}
    try:
        with app.app_context():
            return app.test_cli_runner().invoke(args=list(arguments))
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def count(container: Container, model: Any) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_csv_is_imported_with_a_progress_bar_and_bad_lines_are_named(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "insurees-2026.csv"
    lines = ["\ufeffuuid,chf_id,last_name,phone,family"]
    lines += [f"{uuid4()},{at},Mushi,,{uuid4()}" for at in range(3)]
    lines += ["nonsense,4,Mushi,,", f"{uuid4()},5,Mushi,,,,,"]
    file.write_bytes("\n".join(lines).encode() + b"\n" + f"{uuid4()},6,M\xfc,,".encode("latin-1"))

    done = run(app, "import", str(file))

    assert done.exit_code == 1
    assert "3 insurees stored, 3 rejected, 3 references wait" in done.output
    assert "line 5: uuid: Not a valid UUID." in done.stderr
    assert "line 6: _schema: More cells than the header has." in done.stderr
    assert "line 7: last_name: Must not contain unpaired surrogates." in done.stderr
    assert "100%" in done.stderr
    assert count(container, Insuree) == 3


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_csv_as_spreadsheets_write_it_is_read(
    app: Flask, container: Container, tmp_path: Path, mark: str, delimiter: str, encoding: str
) -> None:
    file = tmp_path / "insurees.csv"
    rows = [["uuid", "chf_id", "last_name", "other_names"], [str(uuid4()), "1", "Müller", "Zoë"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    file.write_bytes(((mark if encoding == "utf-8" else "") + text).encode(encoding))

    done = run(app, "import", str(file))

    assert done.exit_code == 0, done.output
    assert ("read as Windows-1252" in done.stderr) is (encoding == "cp1252")
    with container.database.reading() as session:
        (person,) = session.scalars(select(Insuree))
    assert (person.last_name, person.other_names) == ("Müller", "Zoë")


def test_other_dates_are_read_in_the_format_that_is_given_and_else_named(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "policies.csv"
    columns = "uuid;family;product;status;stage;start_date"
    file.write_text(f"{columns}\n{uuid4()};{uuid4()};{uuid4()};2;N;31/12/2026\n")

    rejected = run(app, "import", str(file))
    assert rejected.exit_code == 1
    assert "start_date: Not a valid date in the format %Y-%m-%d, as 2026-12-31" in rejected.stderr

    done = run(app, "import", str(file), "--date-format", "%d/%m/%Y")
    assert done.exit_code == 0, done.output
    with container.database.reading() as session:
        (policy,) = session.scalars(select(Policy))
    assert str(policy.start_date) == "2026-12-31"


def test_csv_is_imported_up_to_where_it_is_none_any_more(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "insurees.csv"
    file.write_text(f'uuid,chf_id\n{uuid4()},1\n{uuid4()},"2\n' + "x" * 140_000)

    done = run(app, "import", str(file))

    assert done.exit_code == 1
    assert "1 insurees stored, 1 rejected" in done.output
    assert "Not CSV from here on" in done.stderr
    assert count(container, Insuree) == 1


def test_ndjson_is_imported_and_again_changes_nothing(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text("\n".join(json.dumps({"uuid": str(uuid4()), "chf_id": "1"}) for _ in range(5)))
    assert "--kind" in run(app, "import", str(file)).output
    for _ in range(2):
        done = run(app, "import", str(file), "--kind", "insurees")
        assert done.exit_code == 0, done.output
    assert count(container, Insuree) == 5


def test_policies_come_from_csv_with_their_amounts_and_dates(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "policies.csv"
    columns = "uuid,family,product,status,stage,start_date,amount_to_be_paid,validity_from"
    row = f"{uuid4()},{uuid4()},{uuid4()},active,new,2026-01-01,12000.50,2026-01-01"
    file.write_text(f"{columns}\n{row}\n")
    done = run(app, "import", str(file))
    assert done.exit_code == 0, done.output
    with container.database.reading() as session:
        (policy,) = session.scalars(select(Policy))
    assert policy.amount_to_be_paid == "12000.50"


def test_dry_run_says_who_would_get_what_with_how_many_segments(
    app: Flask, scheme: Any, container: Container, today: Any
) -> None:
    scheme.due(scheme.family(language="sw"), NotificationType.EXPIRATION)
    scheme.due(scheme.family(approval=False), NotificationType.EXPIRATION)

    done = run(app, "run-triggers", "--date", str(today), "--dry-run")

    lines = [line for line in done.output.splitlines() if line.startswith("expiration")]
    assert len(lines) == 2
    assert any("to +255700000001\tsw\t1 x GSM-7\tNdugu" in line for line in lines)
    assert any("status 2: The family has denied" in line for line in lines)
    assert count(container, IndicationDetails) == 0


def test_run_by_hand_reports_its_numbers(app: Flask, scheme: Any, today: Any) -> None:
    scheme.due(scheme.family(), NotificationType.EXPIRATION)
    done = run(app, "run-triggers", "--date", str(today))
    assert done.exit_code == 0, done.output
    assert f"{today}: 2 found, 1 eligible, 0 sent, 1 failed" in done.output


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_run_about_a_day_that_cannot_be_reckoned_with_is_rejected(
    app: Flask, scheme: Any, options: list[str]
) -> None:
    done = run(app, "run-triggers", "--date", "9999-12-31", *options)
    assert done.exit_code == 1
    assert "Not a day from 1900-01-01 to 2999-12-31" in done.output


def test_run_by_hand_beside_another_one_is_rejected(
    app: Flask, container: Container, scheme: Any, today: Any
) -> None:
    begin_by_hand(container.database, Lease(timedelta(minutes=1)), today, "other")
    done = run(app, "run-triggers")
    assert done.exit_code == 1
    assert "Another run is in progress" in done.output


def test_texts_are_checked_with_realistic_names(app: Flask) -> None:
    done = run(app, "check-texts")
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == 36


def test_words_and_numbers_are_forgotten_but_not_that_it_was_told(
    app: Flask, scheme: Any, runs: Any, provider: Any, container: Container, today: Any
) -> None:
    scheme.due(scheme.family(), NotificationType.EXPIRATION)
    runs.on(today, provider)
    old = utc_now() - timedelta(days=91)
    with container.database.writing() as session:
        session.execute(update(IndicationDetails).values(created_at=old))
        session.add(SeenEvent(event_id="old", consumed_at=old))
        session.add(SeenEvent(event_id="new", consumed_at=utc_now()))

    assert "1 messages, 0 payments, 1 events" in run(app, "purge").output

    (attempt,) = runs.attempts(IndicationDetails.type == NotificationType.EXPIRATION)
    assert (attempt.message, attempt.recipient, attempt.variables) == (None, None, None)
    assert runs.on(today, provider)["sent"] == 0
    assert count(container, SeenEvent) == 1


@pytest.mark.parametrize("name", ["insurees.csv", "insurees.ndjson"])
def test_empty_file_is_no_error(app: Flask, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert "0 insurees stored" in run(app, "import", str(tmp_path / name)).output
