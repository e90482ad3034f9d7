"""Would this method and path match a channel, if not why, and which channel would win."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote

from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.gateway import rejections
from proxy.gateway.match import CandidateChannel, ChannelIndex, Matched, NoMethod, NoPath, Verdict
from proxy.gateway.routing_table import RoutingTable
from proxy.models import Channel, Mediator
from proxy.registry.mediators import is_online
from proxy.registry.patterns import Pattern, is_reserved
from proxy.registry.records import existing
from proxy.registry.why_not import why_not

FORWARDED = "forwarded"
_RESERVED = "the hub itself answers this path"


@dataclass(frozen=True)
class Judged:
    """One channel's answer; `why_not` is None when it would take the call."""

    id: uuid.UUID
    name: str
    path_pattern: str
    why_not: str | None

    @property
    def matches(self) -> bool:
        """Whether the channel could take the call."""
        return self.why_not is None


@dataclass(frozen=True)
class Trial:
    """The outcome for the channel in question, and for all of them, best first."""

    why_not: str | None
    winner: Judged | None
    wins: bool
    answer: str
    channels: list[Judged]

    @property
    def matches(self) -> bool:
        """Whether the channel in question could take the call."""
        return self.why_not is None


def online_mediators(session: Session, now: datetime, timeout_s: float) -> frozenset[uuid.UUID]:
    """The mediators that take calls now."""
    rows = session.execute(select(Mediator.id, Mediator.is_online, Mediator.last_heartbeat))
    return frozenset(row.id for row in rows if is_online(*row[1:], now, timeout_s))


def try_match(
    session: Session,
    table: RoutingTable,
    channel_id: uuid.UUID,
    method: str,
    url_path: str,
    online: frozenset[uuid.UUID],
) -> Trial:
    """Ask every active channel of `table`. `url_path` is as in a URL. Raises UnknownRecord."""
    channel = existing(session, Channel, channel_id)
    path = unquote(url_path.partition("?")[0])
    if is_reserved(path):
        return Trial(_RESERVED, None, False, _RESERVED, [])
    judged = {
        candidate.id: _judge(candidate, method, path, online) for candidate in table.index.channels
    }
    verdict = table.index.match(method, path, online.__contains__)
    winner = judged[verdict.channel.id] if isinstance(verdict, Matched) else None
    own = judged.get(channel.id)
    return Trial(
        why_not=own.why_not if own else _why_left_out(channel),
        winner=winner,
        wins=winner is not None and winner.id == channel.id,
        answer=_words(verdict),
        channels=list(judged.values()),
    )


def with_pattern(table: RoutingTable, channel_id: uuid.UUID, pattern: Pattern) -> RoutingTable:
    """The table as it would be if the channel had this pattern."""
    changed = (
        replace(one, pattern=pattern) if one.id == channel_id else one
        for one in table.index.channels
    )
    return replace(table, index=ChannelIndex(changed))


def _judge(
    candidate: CandidateChannel, method: str, path: str, online: frozenset[uuid.UUID]
) -> Judged:
    reason = why_not(candidate, method, path, online.__contains__)
    return Judged(candidate.id, candidate.name, candidate.pattern.text, reason)


def _why_left_out(channel: Channel) -> str:
    if not channel.is_active:
        return "the channel is not active"
    if channel.listener is not None:
        return f"the channel listens on port {channel.listener['port']}, and takes calls by no path"
    if channel.polling is not None:
        return "the hub makes the channel's calls itself"
    return "what is stored of the channel cannot be used; save it again to see why"


def _words(verdict: Verdict) -> str:
    """What the hub would say, in the words of the rejections."""
    if isinstance(verdict, Matched):
        return FORWARDED
    if isinstance(verdict, NoPath):
        return rejections.NoChannel([]).reason
    if isinstance(verdict, NoMethod):
        return rejections.MethodNotAllowed(verdict.allow).reason
    return rejections.MediatorOffline().reason
