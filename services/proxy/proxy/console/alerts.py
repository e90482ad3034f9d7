"""`/admin/mediator/alerts/`: what was raised, the rules, who is told, and how all parts are."""

import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from common.clock import utc_now
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, choices, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import _
from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from proxy.alerts import rules
from proxy.checks.reading import checks, troubles
from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read, rows_of
from proxy.console.saving import save, write
from proxy.errors import UnknownRecord
from proxy.models import (
    About,
    Alert,
    AlertMessage,
    AlertRule,
    Channel,
    ContactGroup,
    MaintenanceWindow,
    Measure,
)
from proxy.registry.records import existing
from proxy.schemas.alert_forms import AlertRuleForm, GroupForm, WindowForm
from proxy.schemas.alerts import AlertFilter

COLUMNS = (
    Column("Raised", lambda alert: alert.created_at),
    Column("Rule", lambda alert: alert.rule_name),
    Column("Subject", lambda alert: alert.subject),
    Column("Detail", lambda alert: alert.detail),
    Column("Ended", lambda alert: alert.ended_at),
    Column("Acknowledged by", lambda alert: alert.acknowledged_by),
)
#: What the shortest way to a rule begins with: a channel that fails more than 5 %.
SUGGESTED: Mapping[str, Any] = {
    "measure": Measure.FAILURE_SHARE,
    "about": About.CHANNEL,
    "threshold": 5,
    "window_s": 300,
    "least_calls": 3,
    "percentile": 95,
    "quiet_s": 3600,
    "escalate_after_s": 0,
}


@pages.page("/mediator/checks/", StaffRole.VIEWER)
def health_checks() -> ResponseReturnValue:
    """How all parts were found when a worker last looked, and what is not well."""
    view = reach.own().view

    def query(session: Session) -> dict[str, Any]:
        found = checks(session, view)
        return {"checks": found, "troubles": troubles(session, found, utc_now(), view)}

    return render_template("pages/health_checks.html", **read(query))


@pages.page("/mediator/alerts/", StaffRole.VIEWER)
def alerts() -> ResponseReturnValue:
    """The alerts that meet the filters, newest first."""
    filters = read_filters(AlertFilter())
    wanted = _reached(rules.wanted_alerts(filters.values.get("state")))
    fetch = rows_of(Alert, wanted)
    return listing("pages/alerts.html", fetch, filters, csv_name="alerts", columns=COLUMNS)


@pages.page("/mediator/alerts/<uuid:alert_id>/", StaffRole.VIEWER)
def alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """One alert, and what became of its messages."""
    found = read(lambda db: db.scalar(_reached(select(Alert)).where(Alert.id == alert_id)))
    if found is None:
        raise UnknownRecord("alert")
    sent = select(AlertMessage).where(AlertMessage.alert_id == alert_id)
    return render_template(
        "pages/alert.html",
        alert=found,
        messages=read(lambda db: db.scalars(sent.order_by(AlertMessage.id).limit(200)).all()),
    )


def _reached(wanted: Select[Alert]) -> Select[Alert]:
    """Those that a role sees which is limited to channels: alerts about one of them."""
    view = reach.own().view
    if view is None:
        return wanted
    of_channels = select(AlertRule.id).where(AlertRule.about == About.CHANNEL)
    return wanted.where(Alert.subject.in_(view), Alert.rule_id.in_(of_channels))


@pages.act("/mediator/alerts/<uuid:alert_id>/acknowledge/", StaffRole.OPERATOR)
def acknowledge_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Say that somebody looks after it."""
    write(lambda db: rules.acknowledge(db, alert_id, g.staff.name, utc_now()))
    flash(_("You look after it: it is not told again."))
    return redirect(url_for("console.alert", alert_id=alert_id), 303)


@pages.page("/mediator/alert-rules/", StaffRole.OPERATOR)
def alert_rules() -> ResponseReturnValue:
    """The rules, the contact groups and the maintenance windows."""

    def query(session: Session) -> dict[str, Any]:
        soon = MaintenanceWindow.ends_at > utc_now()
        return {
            "rules": session.scalars(select(AlertRule).order_by(AlertRule.name)).all(),
            "groups": session.scalars(select(ContactGroup).order_by(ContactGroup.name)).all(),
            "windows": session.scalars(select(MaintenanceWindow).where(soon)).all(),
        }

    return render_template("pages/alert_rules.html", **read(query))


@pages.page("/mediator/alert-rules/new/", StaffRole.OPERATOR)
def new_alert_rule() -> ResponseReturnValue:
    """The form of a rule, as most are; a channel may be named in the address."""
    subject = request.args.get("subject", "")[:255]
    name = _("%(subject)s fails 5 %% or more", subject=subject or _("A channel"))
    groups = read(_groups)
    first = groups[0][0] if len(groups) == 1 else None
    return _rule_form(Form.of({**SUGGESTED, "subject": subject, "name": name, "group_id": first}))


@pages.act("/mediator/alert-rules/new/", StaffRole.OPERATOR)
def create_alert_rule() -> ResponseReturnValue:
    """Add a rule, or show what it would have done."""
    return _kept_rule(lambda db, given: rules.create(db, AlertRule, given))


@pages.page("/mediator/alert-rules/<uuid:rule_id>/", StaffRole.OPERATOR)
def edit_alert_rule(rule_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a rule as it is."""
    found = read(lambda db: existing(db, AlertRule, rule_id))
    return _rule_form(Form.of(AlertRuleForm().dump(found)), found)


@pages.act("/mediator/alert-rules/<uuid:rule_id>/", StaffRole.OPERATOR)
def change_alert_rule(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Change a rule, or show what it would have done."""
    found = read(lambda db: existing(db, AlertRule, rule_id))
    return _kept_rule(lambda db, given: rules.change(db, AlertRule, rule_id, given), found)


@pages.act(
    "/mediator/alert-rules/<uuid:rule_id>/<any(activate, deactivate):act>/", StaffRole.OPERATOR
)
def switch_alert_rule(rule_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Evaluate a rule again, or leave it out; its alerts end then."""
    write(lambda db: rules.change(db, AlertRule, rule_id, {"is_active": act == "activate"}))
    flash(_("The rule is evaluated.") if act == "activate" else _("The rule is left out now."))
    return redirect(url_for("console.alert_rules"), 303)


def _kept_rule(
    act: Callable[[Session, Mapping[str, Any]], AlertRule], rule: AlertRule | None = None
) -> ResponseReturnValue:
    form = read_form(AlertRuleForm())
    if request.form.get("preview"):
        return _rule_form(form, rule, is_preview=True)
    form, kept = save(form, lambda db: act(db, form.values), "name")
    if kept is None:
        return _rule_form(form, rule)
    flash(_("Saved. The rule is evaluated from now on."))
    return redirect(url_for("console.alert_rules"), 303)


def _rule_form(
    form: Form, rule: AlertRule | None = None, *, is_preview: bool = False
) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    previewed = None
    if is_preview and not form.errors:
        previewed = read(lambda db: rules.preview(db, AlertRule(**form.values), utc_now()))
    page = render_template(
        "pages/alert_rule_form.html",
        form=form,
        rule=rule,
        previewed=previewed,
        measures=choices(Measure),
        abouts=choices(About),
        groups=read(_groups),
        channels=read(lambda db: db.scalars(select(Channel.name).order_by(Channel.name)).all()),
    )
    return page, status


def _groups(session: Session) -> list[tuple[str, str]]:
    wanted = select(ContactGroup.id, ContactGroup.name).order_by(ContactGroup.name)
    return [(str(row.id), row.name) for row in session.execute(wanted)]


@pages.page("/mediator/contact-groups/new/", StaffRole.OPERATOR)
def new_contact_group() -> ResponseReturnValue:
    """The form of a contact group that does not exist yet."""
    return _group_form(Form())


@pages.act("/mediator/contact-groups/new/", StaffRole.OPERATOR)
def create_contact_group() -> ResponseReturnValue:
    """Add a contact group."""
    form = read_form(GroupForm())
    form, made = save(form, lambda db: rules.create(db, ContactGroup, form.values), "name")
    return _group_form(form) if made is None else _rules_saved()


@pages.page("/mediator/contact-groups/<uuid:group_id>/", StaffRole.OPERATOR)
def edit_contact_group(group_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a contact group as it is."""
    found = read(lambda db: existing(db, ContactGroup, group_id))
    return _group_form(Form.of(GroupForm().dump(found)), found)


@pages.act("/mediator/contact-groups/<uuid:group_id>/", StaffRole.OPERATOR)
def change_contact_group(group_id: uuid.UUID) -> ResponseReturnValue:
    """Change a contact group."""
    found = read(lambda db: existing(db, ContactGroup, group_id))
    form = read_form(GroupForm())
    form, kept = save(
        form, lambda db: rules.change(db, ContactGroup, group_id, form.values), "name"
    )
    return _group_form(form, found) if kept is None else _rules_saved()


@pages.page("/mediator/maintenance-windows/new/", StaffRole.OPERATOR)
def new_maintenance_window() -> ResponseReturnValue:
    """The form of a maintenance window."""
    return _window_form(Form())


@pages.act("/mediator/maintenance-windows/new/", StaffRole.OPERATOR)
def create_maintenance_window() -> ResponseReturnValue:
    """Announce a time in which nothing is raised."""
    form = read_form(WindowForm())
    form, made = save(form, lambda db: rules.create(db, MaintenanceWindow, form.values))
    return _window_form(form) if made is None else _rules_saved()


@pages.act("/mediator/maintenance-windows/<uuid:window_id>/delete/", StaffRole.OPERATOR)
def remove_maintenance_window(window_id: uuid.UUID) -> ResponseReturnValue:
    """Delete a maintenance window."""
    write(lambda db: rules.remove(db, MaintenanceWindow, window_id))
    flash(_("Deleted."))
    return redirect(url_for("console.alert_rules"), 303)


def _rules_saved() -> ResponseReturnValue:
    flash(_("Saved."))
    return redirect(url_for("console.alert_rules"), 303)


def _group_form(form: Form, group: ContactGroup | None = None) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render_template("pages/contact_group_form.html", form=form, group=group), status


def _window_form(form: Form) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    page = render_template("pages/window_form.html", form=form, abouts=choices(About))
    return page, status
