"""A CSV or NDJSON file becomes records, batch by batch; memory does not grow with the file.

What spreadsheets make of CSV is read as well: semicolons or tabs between cells, a byte order mark,
Windows-1252.
"""

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from common.db.database import Database

from policy_notify.intake.bodies import Unreadable, parse_line
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.reading import Reading
from policy_notify.intake.upsert import Outcome, store

BATCH = 5_000
UTF_8 = "utf-8-sig"
WINDOWS = "cp1252"
_CHUNK = 1 << 20


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


@dataclass(frozen=True)
class Format:
    """How a CSV file is written."""

    delimiter: str
    encoding: str


def format_of(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Format:
    """What is not given is read from the file: its header line, and whether it is UTF-8."""
    found = encoding or encoding_of(path)
    with path.open("rb") as file:
        header = file.readline().decode(found, "replace")
    likely = max(",;\t|", key=header.count)
    return Format(delimiter or likely, found)


def encoding_of(path: Path) -> str:
    """UTF-8 where a byte order mark says so or all of it is; else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return UTF_8
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return WINDOWS
    return UTF_8


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
    position = 0

    def texts() -> Iterator[str]:
        nonlocal position
        plain = format_.encoding.replace("-sig", "")
        for line in file:
            position += len(line)
            encoding = format_.encoding if position == len(line) else plain
            yield line.decode(encoding, "surrogateescape")

    reader = csv.DictReader(texts(), delimiter=format_.delimiter)
    try:
        for row in reader:
            yield Line(reader.line_num, position, _without_blanks(row))
    except csv.Error as exc:
        yield Line(reader.line_num, position, Unreadable(f"Not CSV from here on: {exc}."))


def _without_blanks(row: dict[str | None, Any]) -> Any:
    """An empty cell is a missing member; a row with more cells than the header is rejected."""
    if None in row:
        return Unreadable("More cells than the header has.")
    return {name: cell for name, cell in row.items() if cell not in ("", None)}


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
