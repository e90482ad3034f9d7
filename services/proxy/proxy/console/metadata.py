"""`/admin/mediator/metadata/`: everything that is configured as a file, out and in."""

import json
from http import HTTPStatus
from typing import Any

from common.console.staff import StaffRole
from common.errors import Invalid
from common.texts import _
from flask import Response, g, render_template, request
from flask.typing import ResponseReturnValue

from proxy.access.scopes import scopes_of
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.container import container
from proxy.metadata.applying import Outcome, apply_document
from proxy.metadata.documents import as_text, export_all

#: The value of the form's second button.
APPLY = "apply"


@pages.page("/mediator/metadata/", StaffRole.ADMIN)
def metadata() -> ResponseReturnValue:
    """The export, and the form that takes one."""
    return render_template("pages/metadata.html", error="", outcome=None)


@pages.page("/mediator/metadata/export/", StaffRole.ADMIN)
def download_metadata() -> ResponseReturnValue:
    """The document as a file."""
    answer = Response(as_text(read(export_all)), mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="kiungo.json"'
    return answer


@pages.act("/mediator/metadata/", StaffRole.ADMIN)
def apply_metadata() -> ResponseReturnValue:
    """Say of each record what becomes of it; with the second button it does, all or nothing."""
    is_dry_run = request.form.get("act") != APPLY
    try:
        outcome = apply_document(
            container(), _sent(), held=scopes_of(g.staff.held), is_dry_run=is_dry_run
        )
    except Invalid as exc:
        return _page(str(exc), None)
    return _page("", outcome)


def _sent() -> Any:
    """The document that was sent. Raises Invalid."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(_("Choose a file that was exported"))
    try:
        return json.loads(sent.read())
    except (ValueError, RecursionError) as exc:
        raise Invalid(_("The file is not JSON")) from exc


def _page(error: str, outcome: Outcome | None) -> ResponseReturnValue:
    is_bad = error or (outcome is not None and outcome.errors)
    page = render_template("pages/metadata.html", error=error, outcome=outcome)
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if is_bad else HTTPStatus.OK
