"""A CSV or NDJSON file becomes records, batch by batch; memory does not grow with the file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from common.csv_reading import Format, csv_rows
from common.db.database import Database

from policy_notify.intake.bodies import Unreadable, parse_line
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.reading import Reading
from policy_notify.intake.upsert import Outcome, store

BATCH = 5_000


@dataclass(frozen=True)
class Line:
    """A record with its line number (for CSV: of its last line) and the bytes read so far."""

    number: int
    position: int
    record: Any


def kind_of(path: Path, name: str | None) -> Kind:
    """The kind that was named, or that the file's name begins with. Raises ValueError."""
    stem = path.stem.lower()
    found = name or next((kind for kind in KINDS if stem.startswith(kind)), None)
    if found not in KINDS:
        raise ValueError(f"say what is in the file: --kind {'|'.join(KINDS)}")
    return KINDS[found]


def read_lines(file: BinaryIO, suffix: str, format_: Format) -> Iterator[Line]:
    """The records of an open file: CSV with a header for `.csv`, else NDJSON."""
    return _csv_lines(file, format_) if suffix.lower() == ".csv" else _json_lines(file)


def _json_lines(file: BinaryIO) -> Iterator[Line]:
    position = 0
    for number, line in enumerate(file, start=1):
        position += len(line)
        if line.strip():
            yield Line(number, position, parse_line(line))


def _csv_lines(file: BinaryIO, format_: Format) -> Iterator[Line]:
    for row in csv_rows(file, format_):
        record = row.cells if row.unread is None else Unreadable(row.unread)
        yield Line(row.number, row.position, record)


def import_file(
    database: Database,
    kind: Kind,
    path: Path,
    reading: Reading,
    format_: Format,
    progress: Callable[[int], None],
) -> Iterator[tuple[list[int], Outcome]]:
    """Store the file's records; gives for each batch the line numbers and what came of them.

    `progress` is called with how many bytes of the file are done. A batch is one transaction.
    """
    with path.open("rb") as file:
        batch: list[Line] = []
        for line in read_lines(file, path.suffix, format_):
            batch.append(line)
            if len(batch) == BATCH:
                yield _store(database, kind, batch, reading)
                progress(line.position)
                batch = []
        if batch:
            yield _store(database, kind, batch, reading)
        progress(path.stat().st_size)


def _store(
    database: Database, kind: Kind, batch: list[Line], reading: Reading
) -> tuple[list[int], Outcome]:
    with database.writing() as session:
        outcome = store(session, kind, [line.record for line in batch], reading)
    return [line.number for line in batch], outcome
