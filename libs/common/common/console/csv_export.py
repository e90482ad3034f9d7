"""A list as a CSV file: UTF-8 that spreadsheets know, times in UTC, no cell that is a formula."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import Response, stream_with_context

from common.clock import rfc3339

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


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
    writer = csv.writer(buffer)
    yield "\ufeff"
    for cells in _table(columns, rows):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


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
    text = str(value)
    is_formula = text.startswith(_FORMULA_STARTS) and not isinstance(value, (int, float))
    return f"'{text}" if is_formula else text
