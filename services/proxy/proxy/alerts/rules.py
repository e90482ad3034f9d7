"""Rules, contact groups and maintenance windows are kept; alerts are acknowledged."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from common.errors import Conflict, Invalid
from common.ids import new_id
from common.texts import _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from proxy.alerts.readings import OF_CALLS, minutes, of_calls, read
from proxy.models import About, Alert, AlertRule, ContactGroup, MaintenanceWindow, Measure
from proxy.registry.records import apply, existing, locked

Kept = TypeVar("Kept", AlertRule, ContactGroup, MaintenanceWindow)
#: A preview looks at a moment every so often.
STEP = timedelta(minutes=5)
SPAN = timedelta(days=1)


def create(session: Session, model: type[Kept], given: Mapping[str, Any]) -> Kept:
    """A new record. Raises Invalid."""
    record = model(id=new_id(), **given)
    if isinstance(record, ContactGroup):
        record.reported = {}
    _check(session, record)
    session.add(record)
    session.flush()
    return record


def change(
    session: Session, model: type[Kept], record_id: uuid.UUID, changes: Mapping[str, Any]
) -> Kept:
    """Change what is given. Raises UnknownRecord, Invalid."""
    record = locked(session, model, record_id)
    with session.no_autoflush:
        apply(record, changes)
        _check(session, record)
    session.flush()
    return record


def remove(session: Session, model: type[Kept], record_id: uuid.UUID) -> None:
    """Forget a record, and the alerts of a rule with it. Raises UnknownRecord."""
    session.delete(locked(session, model, record_id))
    session.flush()


def wanted_alerts(state: str | None) -> Select[Alert]:
    """The alerts that stand, those that have ended, or all."""
    if state is None:
        return select(Alert)
    is_open = Alert.ended_at.is_(None)
    return select(Alert).where(is_open if state == "open" else ~is_open)


def acknowledge(session: Session, alert_id: uuid.UUID, by: str, now: datetime) -> Alert:
    """Somebody looks after it: it is not told again. Raises UnknownRecord, Conflict."""
    alert = locked(session, Alert, alert_id)
    if alert.ended_at is not None:
        raise Conflict(_("The alert has ended"))
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = now, by
    session.flush()
    return alert


def preview(session: Session, rule: AlertRule, now: datetime) -> tuple[list[datetime], list[str]]:
    """When the rule would have raised alerts over the last day, and for whom it would now.

    Only calls have a past to look at.
    """
    open_for = [one.subject for one in read(session, rule, now) or [] if one.holds]
    if rule.measure not in OF_CALLS:
        return [], open_for
    found = minutes(session, rule, now - SPAN)
    raised: list[datetime] = []
    before: set[str] = set()
    for number in range(1, SPAN // STEP + 1):
        moment = now - SPAN + number * STEP
        holding = {one.subject for one in of_calls(rule, found, moment) if one.holds}
        raised += [moment] * len(holding - before)
        before = holding
    return raised, open_for


def _check(session: Session, record: AlertRule | ContactGroup | MaintenanceWindow) -> None:
    if isinstance(record, AlertRule):
        for group_id in (record.group_id, record.escalation_group_id):
            if group_id is not None:
                existing(session, ContactGroup, group_id)
        if record.measure not in OF_CALLS and record.about is not About.WHOLE:
            reason = _("Only calls are somebody's; everything else is about the whole.")
            raise Invalid(reason, {"about": [reason]})
        if record.measure is Measure.FAILURE_SHARE and not 0 < record.threshold <= 100:
            reason = _("Must be a percentage.")
            raise Invalid(reason, {"threshold": [reason]})
    if isinstance(record, MaintenanceWindow) and record.begins_at >= record.ends_at:
        reason = _("Must be after its beginning.")
        raise Invalid(reason, {"ends_at": [reason]})
