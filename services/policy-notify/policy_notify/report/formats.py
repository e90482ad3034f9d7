"""The formats by name, each with its media type and its writer: header and rows in, bytes out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policy_notify.report.html_pages import write_html
from policy_notify.report.rows import Report
from policy_notify.report.tables import write_csv, write_json


@dataclass(frozen=True)
class Format:
    """A form in which a report is written; `write` gives it piece by piece."""

    media_type: str
    write: Callable[[Report], Iterator[bytes]]
    is_download: bool = True


def _write_xlsx(report: Report) -> Iterator[bytes]:
    from policy_notify.report.workbook import write_xlsx  # a large library, seldom needed

    return write_xlsx(report)


def _write_pdf(report: Report) -> Iterator[bytes]:
    from policy_notify.report.pdf_pages import write_pdf  # another one

    return write_pdf(report)


FORMATS = {
    "json": Format("application/json", write_json, is_download=False),
    "csv": Format("text/csv; charset=utf-8", write_csv),
    "xlsx": Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _write_xlsx
    ),
    "pdf": Format("application/pdf", _write_pdf, is_download=False),
    "html": Format("text/html; charset=utf-8", write_html, is_download=False),
}
