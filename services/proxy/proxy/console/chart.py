"""What the dashboard's chart draws: for each measure one line per channel. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.texts import N_, _

from proxy.statistics.rollups import HOUR, Figures, on_the_hour

#: More lines than this cannot be told apart; the table has all channels.
LINES = 6
NO_CHANNEL = N_("no channel")


@dataclass(frozen=True)
class Span:
    """A span to look back on; `step` divides `length`."""

    label: str
    length: timedelta
    step: timedelta

    def since(self, now: datetime) -> datetime:
        """When it begins; where steps are hours, on the hour: the last step is not over then."""
        if self.step < HOUR:
            return now.replace(microsecond=0) - self.length
        return on_the_hour(now) + HOUR - self.length


SPANS = {
    "hour": Span(N_("Last hour"), timedelta(hours=1), timedelta(minutes=5)),
    "day": Span(N_("Last day"), timedelta(days=1), timedelta(hours=1)),
    "week": Span(N_("Last week"), timedelta(days=7), timedelta(hours=6)),
}


def busiest(totals: Sequence[Figures]) -> list[Figures]:
    """The channels by their calls, most first."""
    return sorted(totals, key=lambda one: (-one.count, one.channel or ""))


def chart(
    since: datetime, span: Span, steps: Sequence[Figures], channels: Sequence[str | None]
) -> dict[str, Any]:
    """Times (seconds since 1970) and, per measure, a value for each: none where there is none."""
    starts = [since + span.step * number for number in range(span.length // span.step)]
    found = {(one.start, one.channel): one for one in steps}

    def lines(measure: str, nothing: int | None) -> list[list[float | None]]:
        cells = ([found.get((start, channel)) for start in starts] for channel in channels)
        return [[getattr(one, measure) if one else nothing for one in line] for line in cells]

    return {
        "times": [int(start.timestamp()) for start in starts],
        "channels": [channel or _(NO_CHANNEL) for channel in channels],
        "measures": [
            (_("Calls"), lines("count", 0)),
            (_("Failures"), lines("failures", 0)),
            (_("With errors"), lines("completed_with_errors", 0)),
            (_("Mean (ms)"), lines("mean_ms", None)),
            (_("p95 (ms)"), lines("p95_ms", None)),
        ],
    }
