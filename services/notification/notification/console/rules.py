"""`/admin/notification/rules/`: who is told of an event, over which channels, how urgently."""

import uuid
from typing import Any

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import _
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from notification.catalogue import rules as domain
from notification.catalogue.filters import matching
from notification.console.blueprint import pages
from notification.console.forms import RuleForm
from notification.console.reading import choices, event_codes, rows_of
from notification.console.saving import save
from notification.container import container
from notification.models import ActorType, Channel, Priority, Rule
from notification.models.catalogue import ALL, EVERYONE
from notification.schemas.catalogue import RuleArgs

CSV = (
    Column("Event", lambda rule: rule.event_code),
    Column("Who", lambda rule: rule.recipient_policy),
    Column("Channels", lambda rule: " ".join(one.channel for one in rule.channels)),
    Column("Priority", lambda rule: rule.priority),
    Column("In use", lambda rule: rule.is_active),
    Column("Changed", lambda rule: rule.updated_at),
)


@pages.page("/rules/")
def rules() -> ResponseReturnValue:
    """The rules that meet the filters, newest first."""
    filters = read_filters(RuleArgs(exclude=["limit", "cursor"]))
    fetch = rows_of(lambda: matching(Rule, {**filters.values}), Rule.id)
    return listing(
        "pages/rules.html", fetch, filters, csv_name="rules", columns=CSV, events=event_codes()
    )


@pages.page("/rules/new/", StaffRole.ADMIN)
def new_rule() -> ResponseReturnValue:
    """The form of a rule to come; the address may name its event."""
    event_code = request.args.get("event_code", "")
    usual = {"event_code": event_code, "priority": "NORMAL", "is_active": True}
    return _editor("pages/rule_new.html", Form.of(usual), events=event_codes())


@pages.act("/rules/new/", StaffRole.ADMIN)
def create_rule() -> ResponseReturnValue:
    """Make a rule."""
    form = read_form(RuleForm())
    form, rule = save(form, lambda session: domain.create_rule(session, form.values))
    if rule is None:
        return _editor("pages/rule_new.html", form, events=event_codes()), 422
    flash(_("The rule is made."))
    return redirect(url_for("console.rule", rule_id=rule.id), 303)


@pages.page("/rules/<uuid:rule_id>/")
def rule(rule_id: uuid.UUID) -> ResponseReturnValue:
    """One rule."""
    return _page(rule_id)


@pages.act("/rules/<uuid:rule_id>/", StaffRole.ADMIN)
def change_rule(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Change a rule."""
    form = read_form(RuleForm(exclude=["event_code"]))
    form, changed = save(
        form,
        lambda session: domain.change_rule(session, rule_id, form.values),
        edited=Edited(_existing(rule_id), lambda: _form_of(_existing(rule_id))),
    )
    if changed is None:
        return _page(rule_id, form), form.status
    flash(_("Saved."))
    return redirect(url_for("console.rule", rule_id=rule_id), 303)


def _page(rule_id: uuid.UUID, form: Form | None = None) -> str:
    found = _existing(rule_id)
    return _editor("pages/rule.html", form or _form_of(found), rule=found)


def _existing(rule_id: uuid.UUID) -> Rule:
    with container().database.reading() as session:
        return domain.existing_rule(session, rule_id)


def _form_of(rule: Rule) -> Form:
    return Form.of(_as_typed(rule), rule.revision)


def _editor(template: str, form: Form, **more: Any) -> str:
    return render_template(
        template,
        form=form,
        actor_types=choices(ActorType),
        priorities=choices(Priority),
        channels=choices(Channel),
        **more,
    )


def _as_typed(rule: Rule) -> dict[str, Any]:
    record = {name: getattr(rule, name) for name in RuleForm(exclude=["channels", "order"]).fields}
    if rule.recipient_policy in EVERYONE:
        record["recipient_policy"] = ALL
    channels = [one.channel for one in rule.channels]
    order = ", ".join(channels) if rule.cascade_after_s is not None else ""
    return {**record, "channels": channels, "order": order}
