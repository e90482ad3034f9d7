"""How many calls, how many failed, how long they took: per channel and hour or day."""

import enum
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common.errors import Invalid
from common.texts import _
from sqlalchemy.orm import Session

from proxy.statistics.rollups import Figures, Rollup
from proxy.statistics.stored import on_the_day, rollups, rollups_by_day, rollups_by_hour


class Period(enum.StrEnum):
    """What calls are counted by; both begin on the hour or at midnight, UTC."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long one lasts."""
        return timedelta(hours=1) if self is Period.HOUR else timedelta(days=1)

    @property
    def longest_span(self) -> timedelta:
        """How much can be asked for at once."""
        return timedelta(days=14 if self is Period.HOUR else 366)

    @property
    def usual_span(self) -> timedelta:
        """What is answered when nothing is asked for."""
        return timedelta(days=1 if self is Period.HOUR else 30)


def span(
    period: Period, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """The span that is meant; without `until` it ends now. Raises Invalid: too long, or empty."""
    until = until or now
    if since is None:
        since = until - min(period.usual_span, until - datetime.min.replace(tzinfo=UTC))
    if since >= until:
        raise Invalid(_("since must be before until"), {"since": [_("Must be before until.")]})
    if until - since > period.longest_span:
        days = period.longest_span.days
        raise Invalid(
            _("At most %(days)s days by %(period)s", days=days, period=period),
            {"since": [_("At most %(days)s days.", days=days)]},
        )
    return since, until


def per_channel(
    session: Session,
    period: Period,
    since: datetime,
    until: datetime,
    channel: str | None = None,
) -> Sequence[Figures]:
    """The calls that started from `since` to before `until`: newest period first, by channel."""
    found: dict[tuple[datetime, str], Rollup] = defaultdict(Rollup)
    is_hourly = period is Period.HOUR
    stored = rollups_by_hour if is_hourly else rollups_by_day
    for (start, name), rollup in rollups(session, since, until, channel, stored).items():
        found[start if is_hourly else on_the_day(start), name].add(rollup)
    newest_first = sorted(found, key=lambda key: (-key[0].timestamp(), key[1]))
    return [Figures.of(*key, found[key]) for key in newest_first]
