"""Rules are evaluated from minute rollups and checks: raised once, told again, ended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id, new_id_at
from proxy.alerts.evaluation import evaluate
from proxy.checks.probes import failing, well
from proxy.checks.reading import keep
from proxy.container import Container
from proxy.models import (
    About,
    Alert,
    AlertMessage,
    MaintenanceWindow,
    Measure,
    TransactionStatus,
)
from proxy.statistics.minute_rollups import roll_up_minutes
from sqlalchemy import select

FAILED = TransactionStatus.FAILED
MINUTE = timedelta(minutes=1)

Record = Callable[..., str]


@pytest.fixture
def calls(record: Record) -> Callable[..., None]:
    """Puts calls on record and lets them be summed up."""

    def put(container: Container, now: datetime, *statuses: TransactionStatus) -> None:
        for status in statuses:
            record(correlation_id=new_id_at(now), started_at=now, status=status)
        roll_up_minutes(container.database, now)

    return put


def evaluated(container: Container, now: datetime) -> tuple[list[Alert], list[AlertMessage]]:
    with container.database.writing() as session:
        evaluate(session, now, "https://hub.example.org", "en")
    with container.database.reading() as session:
        alerts = session.scalars(select(Alert).order_by(Alert.id)).all()
        messages = session.scalars(select(AlertMessage).order_by(AlertMessage.created_at)).all()
        return list(alerts), list(messages)


def test_failing_channel_is_raised_once_and_well_again_too(
    container: Container, add_rule: Any, calls: Any
) -> None:
    rule, now = add_rule(), utc_now()
    calls(container, now, FAILED, FAILED, FAILED)

    first = evaluated(container, now)
    again = evaluated(container, now + timedelta(seconds=3))
    over = evaluated(container, now + 10 * MINUTE)

    assert [(one.rule_id, one.subject, one.ended_at) for one in first[0]] == [
        (rule.id, "Patients", None)
    ]
    assert {one.kind for one in first[1]} == {"sms", "email"}
    assert len(first[1]) == len(again[1]) == 2
    assert "3 of 3 calls failed" in first[1][0].text
    assert len(over[0]) == 1
    assert over[0][0].ended_at is not None
    assert len(over[1]) == 4


def test_a_mediators_calls_are_those_of_its_channels(
    container: Container, api: Any, channel: dict[str, Any], add_rule: Any, record: Record
) -> None:
    add_rule(about=About.MEDIATOR)
    now = utc_now()
    for name in (channel["name"], channel["name"], channel["name"], "gone"):
        call = {"correlation_id": new_id_at(now), "started_at": now}
        record(**call, status=FAILED, channel_name=name)
    roll_up_minutes(container.database, now)

    raised, _ = evaluated(container, now)
    mediator = api.get(f"mediators/{channel['mediator_id']}/").get_json()["name"]
    assert [one.subject for one in raised] == [mediator]


def test_too_few_calls_say_nothing(container: Container, add_rule: Any, calls: Any) -> None:
    add_rule(least_calls=3)
    now = utc_now()
    calls(container, now, FAILED, FAILED)

    assert evaluated(container, now) == ([], [])


def test_an_unacknowledged_alert_is_repeated_and_escalated(
    container: Container, add_rule: Any, calls: Any
) -> None:
    other = add_rule(name="other", threshold=1000.0).group_id
    add_rule(quiet_s=60, escalate_after_s=90, escalation_group_id=other, window_s=3600)
    now = utc_now()
    calls(container, now, FAILED, FAILED, FAILED)

    evaluated(container, now)
    evaluated(container, now + timedelta(seconds=61))
    alerts, messages = evaluated(container, now + timedelta(seconds=95))
    said = [one.text.split()[0] for one in messages if one.kind == "sms"]
    with container.database.writing() as session:
        alert = session.get_one(Alert, alerts[0].id)
        alert.acknowledged_at = now
    _, later = evaluated(container, now + timedelta(seconds=900))

    assert said == ["ALERT", "STILL", "NOT"]
    assert len(later) == len(messages)


def test_maintenance_is_no_alert(container: Container, add_rule: Any, calls: Any) -> None:
    add_rule()
    now = utc_now()
    with container.database.writing() as session:
        session.add(
            MaintenanceWindow(
                id=new_id(),
                about=About.CHANNEL,
                subject="Patients",
                begins_at=now - MINUTE,
                ends_at=now + MINUTE,
                reason="new server",
            )
        )
    calls(container, now, FAILED, FAILED, FAILED)

    assert evaluated(container, now) == ([], [])
    assert len(evaluated(container, now + 2 * MINUTE)[0]) == 1


def test_a_part_that_fails_is_an_alert_until_it_is_well(
    container: Container, add_rule: Any
) -> None:
    add_rule(Measure.BROKER, about=About.WHOLE)
    now = utc_now()

    def found(finding: Any) -> None:
        with container.database.writing() as session:
            keep(session, [finding], now)

    found(failing(Measure.BROKER, "", "does not answer"))
    raised, _ = evaluated(container, now)
    unknown, _ = evaluated(container, now + MINUTE)  # nobody has looked since
    found(well(Measure.BROKER, ""))
    ended, messages = evaluated(container, now)

    assert [one.ended_at for one in raised] == [one.ended_at for one in unknown] == [None]
    assert ended[0].ended_at == now
    assert len(messages) == 4
