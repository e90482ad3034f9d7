"""The report for a browser: one page that needs nothing from elsewhere and prints well."""

from collections.abc import Iterator
from html import escape

from policy_notify.report.layout import COLUMNS, TITLE, cells, header_lines
from policy_notify.report.rows import Report

#: For screen and paper.
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt { color: #555; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #ddd; }
thead th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #333; }
@page { size: A4 landscape; margin: 1cm; }
@media print { body { margin: 0; font-size: 9px; } thead th { position: static; } }
"""


def write_html(report: Report, style: str = f"<style>{STYLE}</style>") -> Iterator[bytes]:
    """The page, piece by piece; the table's headings repeat on every printed page.

    `style` is the element that brings `STYLE`.
    """
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in header_lines(report.header)
    )
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in COLUMNS.values())
    yield (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>'
        f"{style}</head><body><h1>{TITLE}</h1><dl>{lines}</dl>"
        f"<table><thead><tr>{titles}</tr></thead><tbody>\n"
    ).encode()
    for row in report.rows:
        inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells(row))
        yield f"<tr>{inner}</tr>\n".encode()
    yield b"</tbody></table></body></html>\n"
