"""`/admin/policy-notification/report/`: who can be notified, on the page, on paper and as files."""

from http import HTTPStatus
from itertools import islice

from common.console.forms import Form, read_filters
from common.errors import Invalid, NotFound
from common.texts import _
from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from policy_notify.console.blueprint import pages
from policy_notify.console.reading import offered
from policy_notify.container import container
from policy_notify.read_model.families import Mode
from policy_notify.report import FORMATS, Report, prepare
from policy_notify.report.html_pages import STYLE, write_html
from policy_notify.report.layout import COLUMNS, cells, header_lines
from policy_notify.schemas.report import ReportArgs

NAME = "communication_by_notification_report"
_ROWS_SHOWN = 50


@pages.page("/report/")
def report() -> ResponseReturnValue:
    """The form and the first rows; with `format` the whole report in it."""
    filters = read_filters(ReportArgs(exclude=("format",)))
    found = None
    if filters.given and not filters.errors:
        try:
            found = _prepare(filters)
        except Invalid as exc:
            filters = filters.refused(exc.errors)
        except NotFound as exc:
            filters = filters.refused({"districtUuid": [str(exc)]})
    wanted = request.args.get("format", "")
    if found is not None and wanted in FORMATS:
        return _whole(found, wanted)
    with container().database.reading() as session:
        options = offered(session)
    page = render_template(
        "pages/report.html",
        filters=filters,
        offered=options,
        modes=[(str(mode.value), _(mode.text)) for mode in Mode],
        header=header_lines(found.header) if found else [],
        titles=COLUMNS.values(),
        rows=[cells(row) for row in islice(found.rows, _ROWS_SHOWN)] if found else None,
        most=_ROWS_SHOWN,
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if filters.errors else HTTPStatus.OK


@pages.page("/report/print.css")
def report_style() -> ResponseReturnValue:
    """The print view's style, which the console's pages may not carry within."""
    return Response(STYLE, mimetype="text/css")


def _prepare(filters: Form) -> Report:
    given = filters.values
    return prepare(
        container().database,
        region=given["regionUuid"],
        district=given["districtUuid"],
        officer=given["officerUuid"],
        mode=Mode(given["mode"]),
    )


def _whole(found: Report, wanted: str) -> Response:
    if wanted == "html":
        link = f'<link rel="stylesheet" href="{url_for("console.report_style")}">'
        return Response(write_html(found, link), content_type=FORMATS["html"].media_type)
    headers = {"Content-Disposition": f'attachment; filename="{NAME}.{wanted}"'}
    chosen = FORMATS[wanted]
    return Response(chosen.write(found), content_type=chosen.media_type, headers=headers)
