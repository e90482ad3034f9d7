"""The report of a day, and of a week, to the e-mail addresses of the groups that want it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from common.clock import rfc3339
from common.texts import N_, _, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proxy.alerts.messages import EMAIL, queue
from proxy.alerts.one_by_one import one_by_one
from proxy.alerts.words import Words
from proxy.models import Alert, ContactGroup
from proxy.statistics.rollups import Rollup
from proxy.statistics.stored import rollups

#: By its name, how many days a report is about. Both end at midnight UTC, the week's on Mondays.
DAYS = {"daily": 1, "weekly": 7}
#: The hours of the worker's rollups are complete by then.
AFTER_MIDNIGHT = timedelta(minutes=15)
_TITLES = {
    "daily": N_("Kiungo, daily report to %(day)s"),
    "weekly": N_("Kiungo, weekly report to %(day)s"),
}
_WIDEST_BAR = 20
_MOST_CHANNELS = 30


def queue_due_reports(
    session: Session, now: datetime, default_language: str
) -> tuple[int, list[str]]:
    """Queue what has not been reported, in the caller's transaction.

    `default_language` is read by contacts of whom nothing else is known.

    Returns how many messages there were, and the groups whose reports could not be written.
    """
    groups = session.scalars(select(ContactGroup)).all()
    return one_by_one(
        session, groups, lambda group: _queue_due(session, group, now, default_language)
    )


def _queue_due(session: Session, group: ContactGroup, now: datetime, default_language: str) -> int:
    count = 0
    for name in group.reports:
        end = report_end(name, now)
        if group.reported.get(name, rfc3339(group.created_at)) >= rfc3339(end):
            continue
        written = partial(report, session, name, end - timedelta(days=DAYS[name]), end)
        count += queue(session, None, [group.id], written, now, default_language, [EMAIL])
        group.reported = {**group.reported, name: rfc3339(end)}
    return count


def report_end(name: str, now: datetime) -> datetime:
    """When the last span that is over has ended. Pure."""
    midnight = (now - AFTER_MIDNIGHT).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday() if name == "weekly" else 0)


def report(session: Session, name: str, since: datetime, until: datetime) -> Words:
    """The calls by channel and by hour or day, and the alerts of a span, in the language spoken."""
    channels: dict[str, Rollup] = defaultdict(Rollup)
    steps: dict[str, Rollup] = defaultdict(Rollup)
    for (hour, channel), rollup in rollups(session, since, until).items():
        channels[channel or _("no channel")].add(rollup)
        steps[f"{hour:%Y-%m-%d}" if name == "weekly" else f"{hour:%H:00}"].add(rollup)
    raised = session.execute(
        select(Alert.rule_name, func.count())
        .where(Alert.created_at >= since, Alert.created_at < until)
        .group_by(Alert.rule_name)
        .order_by(func.count().desc())
    ).all()
    title = _(_TITLES[name], day=f"{until:%Y-%m-%d}")
    alerts = [f"{count:>8}  {rule}" for rule, count in raised] or ["    " + _("none")]
    text = [title, "", _("CALLS BY CHANNEL"), *table(channels), "", _("CALLS OVER TIME (UTC)")]
    text += [*table(steps, by_name=True), "", _("ALERTS"), *alerts]
    return Words(title, "\n".join(text))


def table(found: Mapping[str, Rollup], *, by_name: bool = False) -> list[str]:
    """A bar, calls, failures and percentile in each line; most calls first, or by name. Pure."""
    if not found:
        return ["    " + _("no calls")]
    order = sorted(found, key=lambda name: name if by_name else (-found[name].calls, name))
    most = max(one.calls for one in found.values())
    return [_line(name, found[name], most) for name in order[:_MOST_CHANNELS]]


def _line(name: str, calls: Rollup, most: int) -> str:
    bar = "█" * max(1, round(_WIDEST_BAR * calls.calls / max(1, most)))
    p95_ms = calls.percentile_ms(95)
    p95 = "–" if p95_ms is None else f"{p95_ms:.0f} ms"
    share = 100 * calls.failures / max(1, calls.calls)
    said = ngettext(
        "%(count)s call, %(failures)s failed (%(share)s %%), p95 %(p95)s",
        "%(count)s calls, %(failures)s failed (%(share)s %%), p95 %(p95)s",
        calls.calls,
        failures=calls.failures,
        share=f"{share:.1f}",
        p95=p95,
    )
    return f"{bar:<{_WIDEST_BAR}}  {name}: {said}"
