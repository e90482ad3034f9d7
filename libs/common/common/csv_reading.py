"""CSV files as people have them, row by row; memory does not grow with the file.

What spreadsheets make of CSV is read as well: semicolons or tabs between cells, a byte order mark,
Windows-1252.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

UTF_8 = "utf-8-sig"
WINDOWS = "cp1252"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Format:
    """How a CSV file is written."""

    delimiter: str
    encoding: str


@dataclass(frozen=True)
class CsvRow:
    """A row by its header, with the number of its last line and the bytes read so far.

    An empty cell is a missing member. `unread` says why there are no cells at all.
    """

    number: int
    position: int
    cells: dict[str, str] = field(repr=False, default_factory=dict)
    unread: str | None = None


def format_of(file: BinaryIO, encoding: str | None = None, delimiter: str | None = None) -> Format:
    """What is not given is read from the file: its header line, and whether it is UTF-8.

    `file` can be sought, and stands at its beginning afterwards.
    """
    found = encoding or encoding_of(file)
    header = file.readline().decode(found, "replace")
    file.seek(0)
    likely = max(",;\t|", key=header.count)
    return Format(delimiter or likely, found)


def encoding_of(file: BinaryIO) -> str:
    """UTF-8 where a byte order mark says so or all of it is; else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return UTF_8
        file.seek(0)
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return WINDOWS
    finally:
        file.seek(0)
    return UTF_8


def csv_rows(file: BinaryIO, format_: Format) -> Iterator[CsvRow]:
    """The rows below the header of a file that stands at its beginning."""
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
            yield _read(row, reader.line_num, position)
    except csv.Error as exc:
        yield CsvRow(reader.line_num, position, unread=f"Not CSV from here on: {exc}.")


def _read(row: dict[Any, Any], number: int, position: int) -> CsvRow:
    """A row with more cells than the header has is not read."""
    if None in row:
        return CsvRow(number, position, unread="More cells than the header has.")
    cells = {name: cell for name, cell in row.items() if cell not in ("", None)}
    return CsvRow(number, position, cells)
