"""`/api/proxy/alerts/`, `alert-rules/`, `contact-groups/`, `maintenance-windows/`, `checks/`."""

import uuid
from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.single import single
from flask import g
from flask.views import MethodView
from sqlalchemy import select

from proxy.alerts import rules
from proxy.checks.reading import checks, troubles
from proxy.container import container
from proxy.models import Alert, AlertRule, ContactGroup, MaintenanceWindow
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.alerts import (
    AlertArgs,
    AlertOut,
    ChecksOut,
    GroupIn,
    GroupOut,
    PreviewOut,
    RuleIn,
    RuleOut,
    WindowIn,
    WindowOut,
)

blp = Blueprint("alerts", __name__, url_prefix=PREFIX)

READ, WRITE = ("proxy:read", "proxy:alerts"), ("proxy:alerts", "proxy:admin")


@blp.route("/checks/", methods=["GET"])
@blp.scope(*READ)
@blp.response(200, single(ChecksOut))
def list_checks() -> dict[str, Any]:
    """Read how all parts of the installation were found lately, and what is not well."""
    with container().database.reading() as session:
        found = checks(session)
        ill = troubles(session, found, utc_now())
    return {"is_well": not ill, "troubles": ill, "checks": found}


@blp.route("/alerts/", methods=["GET"])
@blp.scope(*READ)
@blp.arguments(AlertArgs, location="query")
@blp.response(200, page_schema(AlertOut))
def list_alerts(query: dict[str, Any]) -> Page[Alert]:
    """List alerts, newest first."""
    wanted = rules.wanted_alerts(query.pop("state", None))
    with container().database.reading() as session:
        return fetch_page(session, wanted, Alert.id, **query)


@blp.route("/alerts/<uuid:alert_id>/", methods=["GET"])
@blp.scope(*READ)
@blp.response(200, single(AlertOut))
def read_alert(alert_id: uuid.UUID) -> Alert:
    """Read an alert."""
    with container().database.reading() as session:
        return existing(session, Alert, alert_id)


@blp.route("/alerts/<uuid:alert_id>/acknowledge/", methods=["POST"])
@blp.scope(*WRITE)
@blp.response(200, single(AlertOut))
def acknowledge_alert(alert_id: uuid.UUID) -> Alert:
    """Say that somebody looks after it: it is neither told again nor escalated."""
    with container().database.writing() as session:
        return rules.acknowledge(session, alert_id, g.identity.subject, utc_now())


@blp.route("/alert-rules/")
class AlertRules(MethodView):
    """All alert rules."""

    @blp.scope(*READ)
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(RuleOut))
    def get(self, page: dict[str, Any]) -> Page[AlertRule]:
        """List alert rules, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(AlertRule), AlertRule.id, **page)

    @blp.scope(*WRITE)
    @blp.arguments(RuleIn)
    @blp.response(201, single(RuleOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[AlertRule, dict[str, str]]:
        """Add an alert rule; it is evaluated from now on."""
        with container().database.writing() as session:
            rule = rules.create(session, AlertRule, given)
        return rule, location("alert-rules", rule.id)


@blp.route("/alert-rules/preview/", methods=["POST"])
@blp.scope(*READ)
@blp.arguments(RuleIn)
@blp.response(200, single(PreviewOut))
def preview_rule(given: dict[str, Any]) -> dict[str, Any]:
    """Find out what a rule would have done over the last day; nothing is kept."""
    with container().database.reading() as session:
        raised_at, open_for = rules.preview(session, AlertRule(**given), utc_now())
    return {"raised_at": raised_at, "open_for": open_for}


@blp.route("/alert-rules/<uuid:rule_id>/")
class OneAlertRule(MethodView):
    """One alert rule."""

    @blp.scope(*READ)
    @blp.response(200, single(RuleOut))
    def get(self, rule_id: uuid.UUID) -> AlertRule:
        """Read an alert rule."""
        with container().database.reading() as session:
            return existing(session, AlertRule, rule_id)

    @blp.scope(*WRITE)
    @blp.arguments(RuleIn(partial=True), example={"threshold": 10})
    @blp.response(200, single(RuleOut))
    def patch(self, changes: dict[str, Any], rule_id: uuid.UUID) -> AlertRule:
        """Change what is given of an alert rule."""
        with container().database.writing() as session:
            return rules.change(session, AlertRule, rule_id, changes)

    @blp.scope(*WRITE)
    @blp.response(204)
    def delete(self, rule_id: uuid.UUID) -> None:
        """Delete an alert rule and its alerts."""
        with container().database.writing() as session:
            rules.remove(session, AlertRule, rule_id)


@blp.route("/contact-groups/")
class ContactGroups(MethodView):
    """All contact groups."""

    @blp.scope(*WRITE)
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(GroupOut))
    def get(self, page: dict[str, Any]) -> Page[ContactGroup]:
        """List contact groups, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(ContactGroup), ContactGroup.id, **page)

    @blp.scope(*WRITE)
    @blp.arguments(GroupIn)
    @blp.response(201, single(GroupOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[ContactGroup, dict[str, str]]:
        """Add a contact group."""
        with container().database.writing() as session:
            group = rules.create(session, ContactGroup, given)
        return group, location("contact-groups", group.id)


@blp.route("/contact-groups/<uuid:group_id>/")
class OneContactGroup(MethodView):
    """One contact group."""

    @blp.scope(*WRITE)
    @blp.response(200, single(GroupOut))
    def get(self, group_id: uuid.UUID) -> ContactGroup:
        """Read a contact group."""
        with container().database.reading() as session:
            return existing(session, ContactGroup, group_id)

    @blp.scope(*WRITE)
    @blp.arguments(GroupIn(partial=True), example={"name": "Day duty"})
    @blp.response(200, single(GroupOut))
    def patch(self, changes: dict[str, Any], group_id: uuid.UUID) -> ContactGroup:
        """Change what is given of a contact group."""
        with container().database.writing() as session:
            return rules.change(session, ContactGroup, group_id, changes)

    @blp.scope(*WRITE)
    @blp.response(204)
    def delete(self, group_id: uuid.UUID) -> None:
        """Delete a contact group: its rules tell nobody then."""
        with container().database.writing() as session:
            rules.remove(session, ContactGroup, group_id)


@blp.route("/maintenance-windows/")
class MaintenanceWindows(MethodView):
    """All maintenance windows."""

    @blp.scope(*READ)
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(WindowOut))
    def get(self, page: dict[str, Any]) -> Page[MaintenanceWindow]:
        """List maintenance windows, newest first."""
        with container().database.reading() as session:
            wanted = select(MaintenanceWindow)
            return fetch_page(session, wanted, MaintenanceWindow.id, **page)

    @blp.scope(*WRITE)
    @blp.arguments(WindowIn)
    @blp.response(201, single(WindowOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[MaintenanceWindow, dict[str, str]]:
        """Announce a time in which nothing is raised about somebody."""
        with container().database.writing() as session:
            window = rules.create(session, MaintenanceWindow, given)
        return window, location("maintenance-windows", window.id)


@blp.route("/maintenance-windows/<uuid:window_id>/", methods=["DELETE"])
@blp.scope(*WRITE)
@blp.response(204)
def delete_maintenance_window(window_id: uuid.UUID) -> None:
    """Delete a maintenance window: what is not well is told again."""
    with container().database.writing() as session:
        rules.remove(session, MaintenanceWindow, window_id)
