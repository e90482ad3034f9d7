"""`/admin/notification/why/`: why a person gets a message of an event, or why not."""

from collections.abc import Mapping
from typing import Any

from common.clock import utc_now
from common.console.forms import Form, read_filters
from common.errors import NotFound
from flask import render_template, request
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.console.reading import event_codes
from notification.container import container
from notification.django_mediator.ids import record_id
from notification.emit.explain import Explanation, explain_event, explain_message
from notification.schemas.explain import ExplainArgs


@pages.page("/why/")
def why() -> ResponseReturnValue:
    """The question; with its answer, once it is asked."""
    if not request.args:
        return _page(Form(), None)
    form = read_filters(ExplainArgs())
    if form.errors:
        return _page(form, None), 422
    try:
        return _page(form, _explanation(form.values))
    except NotFound as exc:
        field = "outbox_id" if form.values["outbox_id"] else "event_code"
        return _page(form.refused({field: [str(exc)]}), None), 404


def _explanation(asked: Mapping[str, Any]) -> Explanation:
    with container().database.reading() as session:
        if asked["outbox_id"] is not None:
            known_as = record_id(session, "outbox", asked["outbox_id"])
            return explain_message(session, known_as, utc_now())
        return explain_event(session, asked["event_code"], asked["user_id"], None, utc_now())


def _page(form: Form, found: Explanation | None) -> str:
    return render_template("pages/why.html", filters=form, found=found, events=event_codes())
