"""The report as a workbook. A workbook is a zip: it is written to disk, then sent in pieces."""

import tempfile
from collections.abc import Iterator
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from policy_notify.report.layout import COLUMNS, TITLE, cells, header_lines
from policy_notify.report.rows import Report

PIECE_BYTES = 65_536
_WIDTHS = (22, 22, 22, 14, 18, 18, 16, 10, 10, 18, 18, 18)


def write_xlsx(report: Report) -> Iterator[bytes]:
    """The workbook's bytes; titles stay in view and repeat on every printed page."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Report")
    for letter, width in zip("ABCDEFGHIJKL", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    lines = header_lines(report.header)
    titles_at = len(lines) + 3
    sheet.freeze_panes = f"A{titles_at + 1}"
    sheet.print_title_rows = f"{titles_at}:{titles_at}"
    sheet.page_setup.orientation = "landscape"
    sheet.append([_bold(sheet, TITLE)])
    for name, value in lines:
        sheet.append([name, _text(sheet, value)])
    sheet.append([])
    sheet.append([_bold(sheet, title) for title in COLUMNS.values()])
    for row in report.rows:
        sheet.append([_text(sheet, cell) for cell in cells(row)])
    with tempfile.TemporaryFile() as file:
        workbook.save(file)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _text(sheet: Any, text: str) -> Any:
    """A name that begins with `=` is a name, not a formula."""
    if not text.startswith("="):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell
