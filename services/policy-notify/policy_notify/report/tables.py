"""The report for programs: JSON and CSV."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict

from common.console.csv_export import guarded, quoted_writer

from policy_notify.report.layout import COLUMNS, TITLE, cells, header_lines
from policy_notify.report.rows import Report

#: Rows in one piece.
PIECE = 200
_NUMBER = re.compile(r"[+-][0-9 ]*")
#: Tells a spreadsheet that the text is UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def write_json(report: Report) -> Iterator[bytes]:
    """`{"header": {…}, "data": [{…}, …], "count": n}`, in pieces."""
    yield f'{{"ok":true,"header":{json.dumps(asdict(report.header))},"data":['.encode()
    count = 0
    for row in report.rows:
        comma = "," if count else ""
        yield f"{comma}{json.dumps(asdict(row), ensure_ascii=False)}".encode()
        count += 1
    yield f'],"count":{count}}}\n'.encode()


def write_csv(report: Report) -> Iterator[bytes]:
    """The header's lines, an empty line, then the table; for a spreadsheet."""
    buffer = io.StringIO()
    writer = quoted_writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow([TITLE])
    writer.writerows([name, harmless(value)] for name, value in header_lines(report.header))
    writer.writerow([])
    writer.writerow(COLUMNS.values())
    for number, row in enumerate(report.rows):
        writer.writerow([harmless(cell) for cell in cells(row)])
        if number % PIECE == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def harmless(cell: str) -> str:
    """The cell, with an apostrophe where a spreadsheet would reckon; numbers stay as they are."""
    return cell if _NUMBER.fullmatch(cell) else guarded(cell)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
