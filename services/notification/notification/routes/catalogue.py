"""`/api/notification/events/` and `rules/`: what can happen, and who is told."""

import uuid
from typing import Any

from common.api import Blueprint
from common.paging import Page, fetch_page, page_schema
from flask.views import MethodView

from notification import catalogue, rules
from notification.models import Event, Rule
from notification.parts import parts
from notification.routes.filters import matching
from notification.routes.locations import LOCATION, PREFIX, location
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


@blp.route("/events/")
class Events(MethodView):
    """The catalogue."""

    @blp.scope(READ)
    @blp.arguments(EventArgs, location="query")
    @blp.response(200, page_schema(EventOut))
    def get(self, query: dict[str, Any]) -> Page[Event]:
        """List events, newest first."""
        columns = {"module": Event.module, "active": Event.is_active}
        with parts().database.reading() as session:
            return fetch_page(session, matching(Event, columns, query), Event.id, **query)

    @blp.scope(ADMIN)
    @blp.arguments(EventIn)
    @blp.response(201, EventOut, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Event, dict[str, str]]:
        """Add an event to the catalogue."""
        with parts().database.writing() as session:
            event = catalogue.create_event(session, given)
        return event, location("events", event.code)


@blp.route("/events/<string:code>/")
class OneEvent(MethodView):
    """One event, by its code."""

    @blp.scope(READ)
    @blp.response(200, EventOut)
    def get(self, code: str) -> Event:
        """Read an event."""
        with parts().database.reading() as session:
            return catalogue.existing_event(session, code)

    @blp.scope(ADMIN)
    @blp.arguments(EventIn(exclude=["code"], partial=True))
    @blp.response(200, EventOut)
    def patch(self, changes: dict[str, Any], code: str) -> Event:
        """Change what is given; `is_active: false` takes it out of use."""
        with parts().database.writing() as session:
            return catalogue.change_event(session, code, changes)


@blp.route("/rules/")
class Rules(MethodView):
    """All rules."""

    @blp.scope(READ)
    @blp.arguments(RuleArgs, location="query")
    @blp.response(200, page_schema(RuleOut))
    def get(self, query: dict[str, Any]) -> Page[Rule]:
        """List rules, newest first."""
        columns = {"event_code": Rule.event_code, "active": Rule.is_active}
        with parts().database.reading() as session:
            return fetch_page(session, matching(Rule, columns, query), Rule.id, **query)

    @blp.scope(ADMIN)
    @blp.arguments(RuleIn)
    @blp.response(201, RuleOut, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Rule, dict[str, str]]:
        """Make a rule; each active rule of an event makes messages of its own."""
        with parts().database.writing() as session:
            rule = rules.create_rule(session, given)
        return rule, location("rules", rule.id)


@blp.route("/rules/<uuid:rule_id>/")
class OneRule(MethodView):
    """One rule, by its `id`."""

    @blp.scope(READ)
    @blp.response(200, RuleOut)
    def get(self, rule_id: uuid.UUID) -> Rule:
        """Read a rule."""
        with parts().database.reading() as session:
            return rules.existing_rule(session, rule_id)

    @blp.scope(ADMIN)
    @blp.arguments(RuleIn(exclude=["event_code"], partial=True))
    @blp.response(200, RuleOut)
    def patch(self, changes: dict[str, Any], rule_id: uuid.UUID) -> Rule:
        """Change what is given; `is_active: false` takes it out of use."""
        with parts().database.writing() as session:
            return rules.change_rule(session, rule_id, changes)
