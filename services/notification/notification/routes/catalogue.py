"""`/api/notification/events/` and `rules/`: what can happen, and who is told."""

from typing import Any

from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import Page, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView

from notification.catalogue import events as catalogue
from notification.catalogue import rules
from notification.catalogue.filters import matching
from notification.container import container
from notification.django_mediator.ids import record_id
from notification.models import Event, Rule
from notification.routes.locations import LOCATION, PREFIX, location, path_id
from notification.schemas.catalogue import (
    EventArgs,
    EventIn,
    EventOut,
    RuleArgs,
    RuleIn,
    RuleOut,
)

blp = Blueprint("catalogue", __name__, url_prefix=PREFIX)

READ, ADMIN = "notification:read", "notification:admin"
EVENT, RULE = single(EventOut), single(RuleOut)


@blp.route("/events/")
class Events(MethodView):
    """The catalogue."""

    @blp.scope(READ)
    @blp.arguments(EventArgs, location="query")
    @blp.response(200, page_schema(EventOut))
    def get(self, query: dict[str, Any]) -> Page[Event]:
        """List events by their codes."""
        with container().database.reading() as session:
            wanted = matching(Event, query)
            return fetch_page(session, wanted, Event.code, descending=False, **query)

    @blp.scope(ADMIN)
    @blp.arguments(EventIn)
    @blp.response(201, EVENT, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Event, dict[str, str]]:
        """Add an event to the catalogue."""
        with container().database.writing() as session:
            event = catalogue.create_event(session, given)
        return event, location("events", event.code)


@blp.route("/events/<string:code>/", parameters=[path_example("code", "DEMO_APPOINTMENT")])
class OneEvent(MethodView):
    """One event, by its code."""

    @blp.scope(READ)
    @blp.response(200, EVENT)
    def get(self, code: str) -> Event:
        """Read an event."""
        with container().database.reading() as session:
            return catalogue.existing_event(session, code)

    @blp.if_match
    @blp.scope(ADMIN)
    @blp.arguments(
        EventIn(exclude=["code"], partial=True), example={"description": "Somebody has to come"}
    )
    @blp.response(200, EVENT)
    def patch(self, changes: dict[str, Any], code: str) -> Event:
        """Change what is given; `is_active: false` takes it out of use."""
        with container().database.writing() as session:
            check_if_match(session, Event, code=code)
            return catalogue.change_event(session, code, changes)


@blp.route("/rules/")
class Rules(MethodView):
    """All rules."""

    @blp.scope(READ)
    @blp.arguments(RuleArgs, location="query")
    @blp.response(200, page_schema(RuleOut))
    def get(self, query: dict[str, Any]) -> Page[Rule]:
        """List rules, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, matching(Rule, query), Rule.id, **query)

    @blp.scope(ADMIN)
    @blp.arguments(RuleIn)
    @blp.response(201, RULE, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Rule, dict[str, str]]:
        """Make a rule; each active rule of an event makes messages of its own."""
        with container().database.writing() as session:
            rule = rules.create_rule(session, given)
        return rule, location("rules", rule.id)


@blp.route("/rules/<string:rule_id>/", parameters=[path_id("rule_id")])
class OneRule(MethodView):
    """One rule, by its `id`."""

    @blp.scope(READ)
    @blp.response(200, RULE)
    def get(self, rule_id: str) -> Rule:
        """Read a rule."""
        with container().database.reading() as session:
            return rules.existing_rule(session, record_id(session, "rule", rule_id))

    @blp.if_match
    @blp.scope(ADMIN)
    @blp.arguments(RuleIn(exclude=["event_code"], partial=True), example={"priority": "HIGH"})
    @blp.response(200, RULE)
    def patch(self, changes: dict[str, Any], rule_id: str) -> Rule:
        """Change what is given; `is_active: false` takes it out of use."""
        with container().database.writing() as session:
            known_as = record_id(session, "rule", rule_id)
            check_if_match(session, Rule, id=known_as)
            return rules.change_rule(session, known_as, changes)
