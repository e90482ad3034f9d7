"""Rules are evaluated: alerts are raised, told again, escalated and ended, with their messages."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from common.ids import new_id
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.alerts import words
from proxy.alerts.deciding import Act, acts, is_muted
from proxy.alerts.messages import queue
from proxy.alerts.one_by_one import one_by_one
from proxy.alerts.readings import NOTHING, Reading, read
from proxy.models import Alert, AlertRule, MaintenanceWindow


def evaluate(
    session: Session, now: datetime, console_url: str, default_language: str
) -> tuple[int, list[str]]:
    """Go through all rules in use, in the caller's transaction.

    `default_language` is read by contacts of whom nothing else is known.
    Returns how many acts were done, and which rules could not be evaluated.
    """
    open_alerts: dict[object, dict[str, Alert]] = defaultdict(dict)
    for alert in session.scalars(select(Alert).where(Alert.ended_at.is_(None))):
        open_alerts[alert.rule_id][alert.subject] = alert
    windows = session.scalars(
        select(MaintenanceWindow).where(
            MaintenanceWindow.begins_at <= now, MaintenanceWindow.ends_at > now
        )
    ).all()

    def evaluate_one(rule: AlertRule) -> int:
        found = read(session, rule, now) if rule.is_active else []
        if found is None:
            return 0
        known = open_alerts[rule.id]
        return _apply(session, rule, found, known, windows, now, console_url, default_language)

    return one_by_one(session, session.scalars(select(AlertRule)).all(), evaluate_one)


def _apply(
    session: Session,
    rule: AlertRule,
    found: Sequence[Reading],
    open_alerts: dict[str, Alert],
    windows: Sequence[MaintenanceWindow],
    now: datetime,
    console_url: str,
    default_language: str,
) -> int:
    seen = {one.subject for one in found}
    gone = [Reading(one, False, None, NOTHING) for one in open_alerts if one not in seen]
    done = 0
    for reading in [*found, *gone]:
        alert = open_alerts.get(reading.subject)
        if alert is not None and reading.holds:
            alert.value, alert.detail = reading.value, reading.detail
        wanted = acts(rule, alert, reading.holds, is_muted(rule, reading.subject, windows), now)
        for act in wanted:
            alert = alert or _raised(session, rule, reading, now)
            _note(alert, act, now)
            to = rule.escalation_group_id if act is Act.ESCALATE else rule.group_id
            groups = [to, rule.escalation_group_id if _was_escalated(act, alert) else None]
            written = partial(words.of, act, alert, reading, console_url)
            queue(session, alert.id, groups, written, now, default_language)
            done += 1
    return done


def _raised(session: Session, rule: AlertRule, reading: Reading, now: datetime) -> Alert:
    alert = Alert(
        id=new_id(),
        created_at=now,
        rule_id=rule.id,
        rule_name=rule.name,
        subject=reading.subject,
        value=reading.value,
        detail=reading.detail,
    )
    session.add(alert)
    session.flush()
    return alert


def _note(alert: Alert, act: Act, now: datetime) -> None:
    if act is Act.END:
        alert.ended_at = now
    elif act is Act.ESCALATE:
        alert.escalated_at = now
    else:
        alert.notified_at = now


def _was_escalated(act: Act, alert: Alert) -> bool:
    return act is Act.END and alert.escalated_at is not None
