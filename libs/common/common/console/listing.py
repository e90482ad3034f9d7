"""A list of the console: filters in the address, pages by cursor, everything as CSV.

    fetch = rows_of(lambda: wanted, Exchange.id)
    return listing("pages/exchanges.html", fetch, filters, csv_name="exchanges", columns=COLUMNS)

The template gets `filters` (a Form), `page` and what else is given; see `ui.table`.
"""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from common.console.csv_export import Column, csv_answer
from common.console.forms import Form
from common.web.paging import MAX_LIMIT, Page

PAGE_ROWS = 50
#: A download ends after this many rows; a narrower filter gives the rest.
CSV_MAX_ROWS = 100_000

Fetch = Callable[[int, str | None], Page[Any]]


def listing(
    template: str,
    fetch: Fetch,
    filters: Form,
    *,
    csv_name: str,
    columns: Sequence[Column],
    **context: Any,
) -> ResponseReturnValue:
    """The page of the list that the address asks for, or all of it with `?format=csv`."""
    if filters.errors:
        nothing: Page[Any] = Page([], None)
        page = render_template(template, filters=filters, page=nothing, **context)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    if request.args.get("format") == "csv":
        return csv_answer(csv_name, columns, _all_rows(fetch))
    page_found = fetch(PAGE_ROWS, request.args.get("cursor"))
    return render_template(template, filters=filters, page=page_found, **context)


def _all_rows(fetch: Fetch) -> Iterator[Any]:
    """Page by page, some not full: no transaction lasts as long as a slow reader."""
    cursor: str | None = None
    rows = 0
    while rows < CSV_MAX_ROWS:
        page = fetch(MAX_LIMIT, cursor)
        yield from page.data
        rows += page.count
        cursor = page.next_cursor
        if cursor is None:
            return
