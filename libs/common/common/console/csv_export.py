"""A list as a CSV file: UTF-8 that spreadsheets know, times in UTC, no cell that is a formula.

Every cell is quoted. That alone does not hold: where a spreadsheet expects `;` between cells,
quotes after the first cell are text to it, and a cell ends at any `;` within.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import Response, stream_with_context

from common.clock import rfc3339

#: What a formula begins with, in wide letters as well.
_FORMULA = "[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]"
#: Where some spreadsheet may see a cell begin: at the start, and after anything that parts cells.
_BEGINS_FORMULA = re.compile(rf'((?:^|[;,|\t\r\n])[ \t"]*)(?={_FORMULA})')


class Column(NamedTuple):
    """A heading, and what of a row stands below it."""

    heading: str
    value: Callable[[Any], Any]


def csv_answer(name: str, columns: Sequence[Column], rows: Iterable[Any]) -> Response:
    """`rows` as the download `name`.csv, sent while they are read."""
    return Response(
        stream_with_context(_lines(columns, rows)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = quoted_writer(buffer)
    yield "\ufeff"
    for cells in _table(columns, rows):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def quoted_writer(buffer: io.StringIO) -> Any:
    """A writer of CSV rows that quotes every cell."""
    return csv.writer(buffer, quoting=csv.QUOTE_ALL)


def _table(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[list[str]]:
    yield [column.heading for column in columns]
    for row in rows:
        yield [cell(column.value(row)) for column in columns]


def cell(value: Any) -> str:
    """A value as text; a spreadsheet would take some beginnings for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, (int, float)) else guarded(str(value))


def guarded(text: str) -> str:
    """`text`, with an apostrophe before whatever a spreadsheet would take for a formula.

    Within it as well, wherever the spreadsheet may see a cell begin. Pure.
    """
    return _BEGINS_FORMULA.sub(r"\1'", text)
