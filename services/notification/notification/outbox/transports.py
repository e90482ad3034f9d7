"""How the transports stand, on record: every process learns of a closed way within a second."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from common.clock import utc_now
from common.db.database import insert_into
from common.logs import get_logger
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from notification.errors import UnknownRecord
from notification.models import ChannelCode, TransportState
from notification.transports.gate import Gate, GateState

log = get_logger(__name__)

#: How old what a process knows of the others' troubles may be.
LEARNT_EVERY = timedelta(seconds=1)

_STATE = cast(Table, TransportState.__table__)
_ALL = select(_STATE)


class Gates:
    """The gates of a process, and what they have in common with those of the others."""

    def __init__(self, gates: Mapping[ChannelCode, Sequence[Gate]]) -> None:
        self._gates = gates
        self._learnt_at: datetime | None = None
        self._seen: dict[tuple[ChannelCode, str], datetime] = {}

    def quotas(self, channels: Iterable[ChannelCode], now: datetime) -> dict[ChannelCode, int]:
        """How many messages the channels take now; one that takes any number is left out."""
        found = {one: allowance(self._gates.get(one, ()), now) for one in channels}
        return {one: count for one, count in found.items() if count is not None}

    def pause_s(self, channel: ChannelCode, now: datetime) -> float:
        """Seconds until the channel takes a message again; 0: it does."""
        return min((gate.pause_s(now) for gate in self._gates.get(channel, ())), default=0.0)

    def learn(self, session: Session, now: datetime) -> None:
        """Take over what other processes, and operators, have found or changed."""
        if self._learnt_at is not None and now - self._learnt_at < LEARNT_EVERY:
            return
        self._learnt_at = now
        rows = {(row.channel, row.provider): row for row in session.execute(_ALL)}
        for gate in (gate for gates in self._gates.values() for gate in gates):
            row = rows.get((gate.channel, gate.provider))
            if row is not None and self._seen.get((gate.channel, gate.provider)) != row.changed_at:
                self._seen[gate.channel, gate.provider] = row.changed_at
                gate.learn(_state(row), now)

    def changed(self, channel: ChannelCode) -> list[tuple[Gate, GateState]]:
        """The channel's gates that stand differently than on record."""
        found = [(gate, gate.state) for gate in self._gates.get(channel, ())]
        return [(gate, state) for gate, state in found if state != gate.recorded]


def allowance(gates: Sequence[Gate], now: datetime) -> int | None:
    """How many messages a chain of providers takes, one or the other of them; None: any number."""
    total = 0
    for gate in gates:
        allowed = gate.allowance(now)
        if allowed is None:
            return None
        total += allowed
    return total if gates else None


def write_gate(
    session: Session, channel: ChannelCode, provider: str, state: GateState, now: datetime
) -> None:
    """Put a way's state on record."""
    values = {
        "closed_until": state.closed_until,
        "reason": state.reason,
        "closed_since": state.since,
        "closings": state.closings,
        "changed_at": now,
    }
    statement = insert_into(session, _STATE).values(channel=channel, provider=provider, **values)
    keys = ["channel", "provider"]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
    if state.closed_until is not None:
        log.warning("transport_closed", channel=channel, provider=provider, reason=state.reason)


def in_trouble(session: Session) -> Sequence[TransportState]:
    """The ways that are closed, or that nothing was taken by since they were."""
    rows = (
        select(TransportState)
        .where(TransportState.closings > 0)
        .order_by(TransportState.channel, TransportState.provider)
    )
    return session.scalars(rows).all()


def open_transport(session: Session, channel: ChannelCode, provider: str) -> TransportState:
    """Somebody has mended it: messages try it at once. Raises UnknownRecord."""
    state = session.get(TransportState, (channel, provider), with_for_update=True)
    if state is None:
        raise UnknownRecord("transport")
    state.closed_until, state.reason, state.closed_since, state.closings = None, None, None, 0
    state.changed_at = utc_now()
    session.flush()
    return state


def _state(row: Any) -> GateState:
    trickle = 1 if row.closings else None
    return GateState(row.closed_until, row.reason, row.closed_since, row.closings, trickle)
