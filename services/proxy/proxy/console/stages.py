"""Where a call's time went, for the bar on its page. Pure."""

from dataclasses import dataclass

from proxy.models import Transaction


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
        ("Match", call.match_ms or 0.0),
        ("Store", call.store_ms or 0.0),
        ("Upstream", call.upstream_ms or 0.0),
    )
    found, start = [], 0.0
    for name, length in measured:
        found.append(Stage(name, start, length))
        start += length
    return [*found, Stage("Rest", start, max(0.0, call.duration_ms - start))]
