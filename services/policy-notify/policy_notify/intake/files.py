"""A CSV or NDJSON file becomes records, batch by batch; memory does not grow with the file."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from common.database import Database

from policy_notify.intake.bodies import Unreadable, parse_line
from policy_notify.intake.kinds import KINDS, Kind
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


def read_lines(file: BinaryIO, suffix: str) -> Iterator[Line]:
    """The records of an open file: CSV with a header for `.csv`, else NDJSON."""
    return _csv_lines(file) if suffix.lower() == ".csv" else _json_lines(file)


def _json_lines(file: BinaryIO) -> Iterator[Line]:
    position = 0
    for number, line in enumerate(file, start=1):
        position += len(line)
        if line.strip():
            yield Line(number, position, parse_line(line))


def _csv_lines(file: BinaryIO) -> Iterator[Line]:
    position = 0

    def texts() -> Iterator[str]:
        nonlocal position
        for line in file:
            position += len(line)
            yield line.decode("utf-8-sig" if position == len(line) else "utf-8", "surrogateescape")

    reader = csv.DictReader(texts())
    try:
        for row in reader:
            yield Line(reader.line_num, position, _without_blanks(row))
    except csv.Error as exc:
        yield Line(reader.line_num, position, Unreadable(f"Not CSV from here on: {exc}."))


def _without_blanks(row: dict[str | None, Any]) -> Any:
    """An empty cell is a missing member; a row with more cells than the header is refused."""
    if None in row:
        return Unreadable("More cells than the header has.")
    return {name: cell for name, cell in row.items() if cell not in ("", None)}


def import_file(
    database: Database, kind: Kind, path: Path, progress: Callable[[int], None]
) -> Iterator[tuple[list[int], Outcome]]:
    """Store the file's records; gives for each batch the line numbers and what came of them.

    `progress` is told how many bytes of the file are done. A batch is one transaction.
    """
    with path.open("rb") as file:
        batch: list[Line] = []
        for line in read_lines(file, path.suffix):
            batch.append(line)
            if len(batch) == BATCH:
                yield _store(database, kind, batch)
                progress(line.position)
                batch = []
        if batch:
            yield _store(database, kind, batch)
        progress(path.stat().st_size)


def _store(database: Database, kind: Kind, batch: list[Line]) -> tuple[list[int], Outcome]:
    with database.writing() as session:
        outcome = store(session, kind, [line.record for line in batch])
    return [line.number for line in batch], outcome
