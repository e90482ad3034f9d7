"""Bookmarks of the Django mediator's pages lead to ours."""

from typing import Any

from common.importing.former import find_former
from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.models import FormerRecord

#: What the mediator called a list, and ours.
_LISTS = {
    "client": "clients",
    "mediator": "mediators",
    "channel": "channels",
    "externalsystemregistration": "registrations",
    "transaction": "transactions",
}
#: Those whose records have pages that everybody may see, with the name of the id.
_RECORDS = {"client": "client_pk", "mediator": "mediator_id", "channel": "channel_id"}
_MODEL = f"<any({', '.join(_LISTS)}):model>"


@pages.page(f"/mediator/{_MODEL}/")
def former_list(model: str) -> ResponseReturnValue:
    """The list that the mediator had here."""
    return redirect(url_for(f"console.{_LISTS[model]}"))


@pages.page(f"/mediator/{_MODEL}/<int:number>/")
@pages.page(f"/mediator/{_MODEL}/<int:number>/<any(change, history, delete):_act>/")
def former_record(model: str, number: int, _act: str = "") -> ResponseReturnValue:
    """The record that had this number there, where it came over; else the list."""
    found = None
    if model in _RECORDS:
        found = read(lambda db: find_former(db, FormerRecord, model, str(number)))
    if found is None:
        return former_list(model)
    named: dict[str, Any] = {_RECORDS[model]: found}
    return redirect(url_for(f"console.{model}", **named))


@pages.page(f"/mediator/{_MODEL}/<any(add):_act>/")
def former_form(model: str, _act: str) -> ResponseReturnValue:
    """The list, from which a record is added."""
    return former_list(model)


@pages.page("/auth/user/")
def former_staff() -> ResponseReturnValue:
    """The members of staff."""
    return redirect(url_for("console.members"))
