"""`/admin/policy-notification/families/`: who is insured, and whether they want to be notified."""

import uuid
from dataclasses import dataclass

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from policy_notify.console.blueprint import pages
from policy_notify.console.reading import offered, rows_of
from policy_notify.console.saving import save
from policy_notify.container import container
from policy_notify.intake.consents import APPROVAL, LANGUAGE, Consents
from policy_notify.models import Family, FamilyConsent, Insuree, Location, Policy
from policy_notify.read_model.existing import existing
from policy_notify.read_model.families import FamilyFilter, FamilyView, Mode, views
from policy_notify.read_model.policies import product_names
from policy_notify.schemas import forms

#: Members and policies of one family that its page shows.
_MOST = 100


@dataclass(frozen=True)
class Row:
    """A family with the name of the place where it lives."""

    family: FamilyView
    place: str


COLUMNS = (
    Column("Family", lambda row: row.family.uuid),
    Column("CHF ID", lambda row: row.family.head and row.family.head.chf_id),
    Column("Other names", lambda row: row.family.head and row.family.head.other_names),
    Column("Last name", lambda row: row.family.head and row.family.head.last_name),
    Column("Phone", lambda row: row.family.head and row.family.head.phone),
    Column("Place", lambda row: row.place),
    Column("Approval", lambda row: row.family.consent and row.family.consent.approval),
    Column("Language", lambda row: row.family.consent and row.family.consent.language),
)


@pages.page("/families/")
def families() -> ResponseReturnValue:
    """The families that meet the filters; ended ones are left out."""
    filters = read_filters(forms.FamilyFilter())
    given = filters.values
    wanted = FamilyFilter(**{**given, "mode": Mode(given.get("mode", Mode.ALL))})
    with container().database.reading() as session:
        options = offered(session)
    return listing(
        "pages/families.html",
        rows_of(wanted.query, Family.uuid, _rows),
        filters,
        csv_name="families",
        columns=COLUMNS,
        offered=options,
        modes=[(str(mode.value), _(mode.text)) for mode in Mode if mode is not Mode.ALL],
    )


@pages.page("/families/<uuid:family>/")
def family(family: uuid.UUID) -> ResponseReturnValue:
    """One family: its members, its consent and its policies."""
    return _page(family)


@pages.act("/families/<uuid:family>/consent/", StaffRole.OPERATOR)
def change_consent(family: uuid.UUID) -> ResponseReturnValue:
    """Record what the family has said; from then on every message keeps to it."""
    form = read_form(forms.ConsentForm())
    consents = Consents(container().settings.languages)
    found = _consent(family)
    edited = Edited(found, lambda: _form_of(_consent(family))) if found else None
    form, saved = save(
        form,
        lambda session: consents.update(session, family, consents.read(form.values)),
        edited=edited,
    )
    if saved is None:
        return _page(family, form)
    flash(_("The consent is recorded."))
    return redirect(url_for("console.family", family=family), 303)


def _rows(session: Session, found: list[Family]) -> list[Row]:
    wanted = {family.location for family in found if family.location}
    places = session.scalars(select(Location).where(Location.uuid.in_(wanted)))
    names = {place.uuid: f"{place.code} {place.name}" for place in places}
    return [
        Row(view, names.get(view.location, "") if view.location else "")
        for view in views(session, found)
    ]


def _consent(family: uuid.UUID) -> FamilyConsent | None:
    with container().database.reading() as session:
        return session.get(FamilyConsent, family)


def _form_of(consent: FamilyConsent | None) -> Form:
    if consent is None:
        return Form()
    return Form.of({APPROVAL: consent.approval, LANGUAGE: consent.language}, consent.revision)


def _page(family: uuid.UUID, form: Form | None = None) -> ResponseReturnValue:
    """The family's page, with the form as it was rejected or else as the consent is."""
    with container().database.reading() as session:
        (row,) = _rows(session, [existing(session, Family, family)])
        is_theirs = Insuree.family == family, Insuree.validity_to.is_(None)
        members = select(Insuree).where(*is_theirs).order_by(Insuree.uuid).limit(_MOST)
        theirs = Policy.family == family, Policy.validity_to.is_(None)
        policies = select(Policy).where(*theirs).order_by(Policy.start_date.desc()).limit(_MOST)
        found, insured = session.scalars(members), session.scalars(policies).all()
        people = sorted(found, key=lambda person: person.chf_id)
        products = product_names(session, list(insured))
    consent = row.family.consent
    form = form or _form_of(consent)
    page = render_template(
        "pages/family.html",
        row=row,
        members=people,
        policies=insured,
        products=products,
        form=form,
        languages=[(language, language) for language in container().settings.languages],
    )
    return page, form.status
