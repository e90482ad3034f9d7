"""What is to be done about a subject of a rule. Pure."""

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta

from proxy.models import About, Alert, AlertRule, MaintenanceWindow, Measure


class Act(enum.StrEnum):
    """What becomes of an alert, and of what is told."""

    RAISE = "raise"
    REPEAT = "repeat"
    ESCALATE = "escalate"
    END = "end"


def acts(
    rule: AlertRule, alert: Alert | None, holds: bool, is_muted: bool, now: datetime
) -> list[Act]:
    """What to do at `now`; within a maintenance window nothing is raised or told again."""
    if not holds:
        return [] if alert is None else [Act.END]
    if is_muted:
        return []
    if alert is None:
        return [Act.RAISE]
    if alert.acknowledged_at is not None:
        return []
    found = []
    if _is_over(alert.notified_at, rule.quiet_s, now):
        found.append(Act.REPEAT)
    if alert.escalated_at is None and _is_over(alert.created_at, rule.escalate_after_s, now):
        found.append(Act.ESCALATE)
    return found


def _is_over(since: datetime | None, seconds: int, now: datetime) -> bool:
    return bool(seconds) and since is not None and now - since >= timedelta(seconds=seconds)


def is_muted(rule: AlertRule, subject: str, windows: Iterable[MaintenanceWindow]) -> bool:
    """Whether one of the windows is about what the rule looks at."""
    about = About.MEDIATOR if rule.measure is Measure.MEDIATOR else rule.about
    return any(
        one.about is About.WHOLE or (one.about is about and one.subject in ("", subject))
        for one in windows
    )
