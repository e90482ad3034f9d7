"""`/admin/notification/preferences/`: what a person wants to hear, how, and when not."""

from collections.abc import Mapping
from typing import Any

from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.staff import StaffRole
from common.errors import NotFound
from common.texts import _
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from notification.catalogue import preferences as domain
from notification.console.blueprint import pages
from notification.console.forms import PersonForm, PreferenceForm
from notification.console.reading import choices
from notification.console.saving import save
from notification.container import container
from notification.models import ActorType, Preference

_PERSON = ("actor_type", "user_id")


@pages.page("/preferences/")
def preferences() -> ResponseReturnValue:
    """Whose preference; with it, once that is asked."""
    if not request.args:
        return _page(Form(), None)
    person = read_filters(PersonForm())
    if person.errors:
        return _page(person, None), 422
    try:
        found = _found(person.values)
    except NotFound as exc:
        return _page(person.refused({"actor_type": [str(exc)]}), None), 404
    return _page(person, found)


@pages.act("/preferences/", StaffRole.OPERATOR)
def change_preference() -> ResponseReturnValue:
    """Change a person's preference on their behalf."""
    form = read_form(PreferenceForm())
    preferences = {name: value for name, value in form.values.items() if name not in _PERSON}
    person = {name: form.text(name) for name in _PERSON}
    form, changed = save(
        form,
        lambda session: domain.change_preference(session, **person, changes=preferences),
        edited=None if form.errors else Edited(_found(person), lambda: _form_of(_found(person))),
    )
    if changed is None:
        return _page(Form.of(person), _found(person), form), form.status
    flash(_("Saved."))
    return redirect(f"{url_for('console.preferences')}{Form.of(person).query()}", 303)


def _found(person: Mapping[str, str]) -> Preference:
    with container().database.reading() as session:
        return domain.read_preference(session, person["actor_type"], person["user_id"])


def _page(person: Form, found: Preference | None, form: Form | None = None) -> str:
    return render_template(
        "pages/preferences.html",
        filters=person,
        found=found,
        form=form or (_form_of(found) if found else Form()),
        actor_types=choices(ActorType),
    )


def _form_of(preference: Preference) -> Form:
    revision = None if preference.is_default else preference.revision
    return Form.of(_as_typed(preference), revision)


def _as_typed(preference: Preference) -> dict[str, Any]:
    record = {name: getattr(preference, name) for name in PreferenceForm().fields}
    clocks = ("quiet_from", "quiet_until")
    return {**record, **{name: record[name] and f"{record[name]:%H:%M}" for name in clocks}}
