"""`/admin/mediator/views/`: filters of the list of calls that staff keep under a name.

A view that is not shared is its owner's alone. Its filters are sealed: they may name a person, or
a channel: members whose role is limited to channels see their own views only.
"""

import uuid
from collections.abc import Sequence

from common.console.flashes import flash
from common.console.forms import Form, read_form
from common.console.rights import Right
from common.errors import Forbidden, Invalid
from common.ids import new_id
from common.texts import _
from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.saving import save, write
from proxy.container import container
from proxy.errors import UnknownRecord
from proxy.models import SavedView
from proxy.registry.records import existing
from proxy.schemas.forms import ViewForm
from proxy.schemas.transactions import Filter

#: So many stand above the list.
_MOST_SHOWN = 20
_SEAL = b"saved view "


def views_of(session: Session) -> Sequence[SavedView]:
    """The views of who asks, and those that are shared, by name."""
    query = select(SavedView).where(_theirs()).order_by(SavedView.name, SavedView.id)
    return session.scalars(query.limit(_MOST_SHOWN)).all()


def _theirs() -> ColumnElement[bool]:
    own = SavedView.staff_id == g.staff.staff_id
    return own if reach.own().view is not None else or_(own, SavedView.is_shared)


@pages.page("/mediator/views/<uuid:view_id>/")
def open_view(view_id: uuid.UUID) -> ResponseReturnValue:
    """To the list with the view's filters."""
    wanted = select(SavedView).where(SavedView.id == view_id, _theirs())
    view = read(lambda session: session.scalar(wanted))
    if view is None:
        raise UnknownRecord("view")
    opened = container().sealer.open_secret(_SEAL + view.id.bytes, view.sealed)
    if opened is None:
        flash(_("The key that this view was stored under is gone."), "bad")
    return redirect(url_for("console.transactions") + (opened or {}).get("query", ""))


@pages.act("/mediator/views/", Right.GATEWAY_BODIES)
def save_view() -> ResponseReturnValue:
    """Keep the filters of the list; a view of the same name and owner is a conflict."""
    filters, form = read_form(Filter()), read_form(ViewForm())
    given = Form({name: values for name, values in filters.given.items() if any(values)})
    if filters.errors or not given.given:
        raise Invalid(_("Choose filters that can be read first"))
    if form.values.get("is_shared") and not g.staff.may(Right.GATEWAY_OPERATE):
        raise Forbidden(_("Your role shares no views."))
    form, saved = save(form, lambda session: _add(session, form, given.query()))
    flash(_("The view is kept.") if saved else _reason(form), "good" if saved else "bad")
    return redirect(url_for("console.transactions") + given.query(), 303)


@pages.act("/mediator/views/<uuid:view_id>/delete/", Right.GATEWAY_BODIES)
def delete_view(view_id: uuid.UUID) -> ResponseReturnValue:
    """Forget a view of one's own; administrators forget any."""
    write(lambda session: _delete(session, view_id))
    flash(_("The view is deleted."))
    return redirect(url_for("console.transactions"), 303)


def _add(session: Session, form: Form, query: str) -> SavedView:
    view_id = new_id()
    sealed = container().sealer.seal_secret(_SEAL + view_id.bytes, {"query": query})
    view = SavedView(id=view_id, staff_id=g.staff.staff_id, sealed=sealed, **form.values)
    session.add(view)
    return view


def _delete(session: Session, view_id: uuid.UUID) -> None:
    view = existing(session, SavedView, view_id)
    if view.staff_id != g.staff.staff_id and not g.staff.may(Right.GATEWAY_ADMIN):
        raise UnknownRecord("view")
    session.delete(view)


def _reason(form: Form) -> str:
    return next((form.error(name) for name in form.errors), _("This cannot be kept."))
