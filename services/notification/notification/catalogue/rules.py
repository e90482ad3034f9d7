"""Rules: who is told of an event, over which channels, how urgently."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from common.clock import utc_now
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue.lookups import check_code
from notification.errors import UnknownRecord
from notification.models import ActorType, Event, Priority, Rule, RuleChannel
from notification.models.catalogue import ALL, EVERYONE


def active_rules(session: Session, event_code: str) -> Sequence[Rule]:
    """An event's active rules, the oldest first."""
    query = select(Rule).where(Rule.event_code == event_code, Rule.is_active)
    return session.scalars(query.order_by(Rule.id)).all()


def existing_rule(session: Session, rule_id: uuid.UUID) -> Rule:
    """The rule of this id. Raises UnknownRecord."""
    rule = session.get(Rule, rule_id)
    if rule is None:
        raise UnknownRecord("rule", rule_id)
    return rule


def create_rule(session: Session, given: Mapping[str, Any]) -> Rule:
    """A new rule. Raises UnknownCode."""
    check_code(session, Event, "event_code", given["event_code"])
    return _set(session, Rule(), given)


def change_rule(session: Session, rule_id: uuid.UUID, changes: Mapping[str, Any]) -> Rule:
    """Change what is given. Raises UnknownRecord, UnknownCode."""
    return _set(session, existing_rule(session, rule_id), changes)


def _set(session: Session, rule: Rule, values: Mapping[str, Any]) -> Rule:
    if values.get("recipient_policy", ALL) not in EVERYONE:
        check_code(session, ActorType, "recipient_policy", values["recipient_policy"])
    if "priority" in values:
        check_code(session, Priority, "priority", values["priority"])
    for name, value in values.items():
        if name != "channels":
            setattr(rule, name, value)
    if "channels" in values:
        rule.updated_at = utc_now()  # of the rule, too: whoever read it must see that it changed
        rule.channels = [
            RuleChannel(channel=one, position=position)
            for position, one in enumerate(dict.fromkeys(values["channels"]))
        ]
    session.add(rule)
    session.flush()
    return rule
