"""Rules on tables that a test fills itself."""

from collections.abc import Callable
from typing import Any

import pytest
from common.ids import new_id
from proxy.container import Container
from proxy.models import About, AlertRule, ContactGroup, Measure

AddRule = Callable[..., AlertRule]


@pytest.fixture
def add_rule(container: Container) -> AddRule:
    """Adds a rule with a group of an SMS and an e-mail contact."""

    def add(measure: Measure = Measure.FAILURE_SHARE, **changes: Any) -> AlertRule:
        group = ContactGroup(
            id=new_id(),
            name=str(new_id()),
            contacts=[
                {"kind": "sms", "address": "+255700000001"},
                {"kind": "email", "address": "ops@example.org"},
            ],
            reports=[],
            reported={},
        )
        usual: dict[str, Any] = {
            "name": str(new_id()),
            "measure": measure,
            "about": About.CHANNEL,
            "subject": "",
            "threshold": 5.0,
            "percentile": 95,
            "window_s": 300,
            "least_calls": 3,
            "quiet_s": 0,
            "escalate_after_s": 0,
            "group_id": group.id,
            "is_active": True,
        }
        rule = AlertRule(**{**usual, **changes})
        with container.database.writing() as session:
            session.add(group)
            session.flush()
            session.add(rule)
        return rule

    return add
