"""The report on paper: A4 landscape, headings on every page, `Page n of m`."""

import tempfile
from collections.abc import Iterator

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from policy_notify.report.layout import COLUMNS, TITLE, cells, header_lines
from policy_notify.report.rows import Report

PIECE_BYTES = 65_536
MARGIN = 28.0
LINE = 12.0
SIZE = 7.5
PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
#: Shares of the page's width, in the order of the columns.
_SHARES = (12, 12, 12, 8, 10, 10, 8, 6, 6, 10, 10, 9)
_TOTAL = "total-pages"


def write_pdf(report: Report) -> Iterator[bytes]:
    """The document's bytes: it is written to disk, then sent in pieces."""
    with tempfile.TemporaryFile() as file:
        canvas = Canvas(file, pagesize=landscape(A4), pageCompression=1)
        canvas.setTitle(TITLE)
        sheet = _Sheet(canvas)
        sheet.begin(header_lines(report.header))
        for row in report.rows:
            sheet.line(cells(row))
        sheet.end()
        canvas.save()
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


class _Sheet:
    """The place on the page where the next line goes."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._width, self._height = landscape(A4)
        scale = (self._width - 2 * MARGIN) / sum(_SHARES)
        self._widths = [share * scale for share in _SHARES]
        self._y = 0.0

    def begin(self, lines: list[tuple[str, str]]) -> None:
        """The first page: title, header lines, headings."""
        self._y = self._height - MARGIN - 14
        self._canvas.setFont(BOLD, 14)
        self._canvas.drawString(MARGIN, self._y, TITLE)
        self._canvas.setFont(PLAIN, 9)
        for name, value in lines:
            self._y -= LINE
            self._canvas.drawString(MARGIN, self._y, _printable(f"{name}: {value or '-'}"))
        self._y -= LINE
        self._headings()

    def _headings(self) -> None:
        self._draw(list(COLUMNS.values()), BOLD)
        self._canvas.line(MARGIN, self._y - 3, self._width - MARGIN, self._y - 3)

    def line(self, texts: list[str]) -> None:
        """One row; a full page is followed by another one with headings."""
        if self._y - LINE < MARGIN + LINE:
            self._finish_page()
            self._y = self._height - MARGIN
            self._headings()
        self._draw(texts, PLAIN)

    def _draw(self, texts: list[str], font: str) -> None:
        self._y -= LINE
        self._canvas.setFont(font, SIZE)
        x = MARGIN
        for text, width in zip(texts, self._widths, strict=True):
            self._canvas.drawString(x, self._y, _fitting(_printable(text), font, width - 4))
            x += width

    def _finish_page(self) -> None:
        self._canvas.setFont(PLAIN, SIZE)
        words = f"Page {self._canvas.getPageNumber()} of "
        right = self._width - MARGIN - 30
        self._canvas.drawRightString(right, MARGIN, words)
        self._canvas.saveState()
        self._canvas.translate(right, MARGIN)
        self._canvas.doForm(_TOTAL)
        self._canvas.restoreState()
        self._canvas.showPage()

    def end(self) -> None:
        """The last page, and the number of pages that all of them show."""
        total = str(self._canvas.getPageNumber())
        self._finish_page()
        self._canvas.beginForm(_TOTAL)
        self._canvas.setFont(PLAIN, SIZE)
        self._canvas.drawString(0, 0, total)
        self._canvas.endForm()


def _printable(text: str) -> str:
    """The standard fonts know Latin-1; what they lack is shown as a question mark."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _fitting(text: str, font: str, width: float) -> str:
    """As much of the text as fits."""
    if stringWidth(text, font, SIZE) <= width:
        return text
    while text and stringWidth(f"{text}...", font, SIZE) > width:
        text = text[:-1]
    return f"{text}..."
