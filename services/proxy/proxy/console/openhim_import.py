"""`/admin/mediator/openhim/`: an export of OpenHIM is tried, then taken over."""

import json
from http import HTTPStatus
from typing import Any

from common.console.staff import StaffRole
from common.importing.source import SourceError
from common.texts import _
from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from proxy.access.scopes import scopes_of
from proxy.console.blueprint import pages
from proxy.container import container
from proxy.openhim.documents import Export
from proxy.openhim.importing import Outcome, import_all

#: The values of the form's two buttons.
TRY, TAKE_OVER = "try", "take over"


@pages.page("/mediator/openhim/", StaffRole.ADMIN)
def openhim_import() -> ResponseReturnValue:
    """The form that takes an export."""
    return render_template("pages/openhim_import.html", error="", outcome=None, is_tried=True)


@pages.act("/mediator/openhim/", StaffRole.ADMIN)
def import_openhim_export() -> ResponseReturnValue:
    """Say of each record what becomes of it; with the second button it does."""
    is_tried, held = request.form.get("act") != TAKE_OVER, scopes_of(g.staff.held)
    account = request.form.get("account", "").strip()
    try:
        outcome = import_all(
            container(),
            _export(),
            account=account,
            held=held,
            is_dry_run=is_tried,
        )
    except SourceError as exc:
        return _page(str(exc), None, is_tried=is_tried)
    return _page("", outcome, is_tried=is_tried)


def _export() -> Export:
    """The export that was sent. Raises SourceError."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise SourceError(_("Choose the file that OpenHIM exported"))
    try:
        found: Any = json.loads(sent.read())
    except (ValueError, RecursionError) as exc:
        raise SourceError(_("The file is not JSON")) from exc
    return Export.of(found)


def _page(error: str, outcome: Outcome | None, *, is_tried: bool) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    page = render_template(
        "pages/openhim_import.html", error=error, outcome=outcome, is_tried=is_tried
    )
    return page, status
