"""Where a call's time went, for the bar on its page. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.texts import _

from proxy.models import Transaction

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Stage:
    """A part of a call's duration; both in milliseconds, `start_ms` from the call's beginning."""

    name: str
    start_ms: float
    length_ms: float


def stages(call: Transaction) -> list[Stage]:
    """The stages of an ended call in their order; what none of them measured comes last."""
    if call.duration_ms is None:
        return []
    measured = (
        (_("Match"), call.match_ms or 0.0),
        (_("Store"), call.store_ms or 0.0),
        (_("Upstream"), call.upstream_ms or 0.0),
    )
    found, start = [], 0.0
    for name, length in measured:
        found.append(Stage(name, start, length))
        start += length
    return [*found, Stage(_("Rest"), start, max(0.0, call.duration_ms - start))]


def steps(orchestrations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a call in the order in which they began, with `started` and `took_ms`."""
    found = []
    for one in orchestrations:
        began = moment(one.get("request", {}).get("timestamp"))
        ended = moment(one.get("response", {}).get("timestamp"))
        took_ms = (ended - began).total_seconds() * 1000 if began and ended else None
        found.append({**one, "started": began, "took_ms": took_ms})
    return sorted(found, key=lambda one: (one["started"] is None, one["started"] or _NEVER))


def moment(given: Any) -> datetime | None:
    """A time as mediators write it: RFC 3339, or milliseconds since 1970; None for all else."""
    try:
        if isinstance(given, int | float):
            return datetime.fromtimestamp(given / 1000, UTC)
        read = datetime.fromisoformat(given)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
