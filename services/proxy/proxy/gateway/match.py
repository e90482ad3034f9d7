"""Which channel takes a call. Pure: tested by tables.

Order: path, then method, then mediator online, then the lowest `priority` number, then name; of
these the first whose rule for contents the call meets, where it has one. A
path with `.` or `..` segments matches nothing: what it means would be the mediator's to decide.
"""

import uuid
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proxy.registry.content_match import ContentRule
from proxy.registry.patterns import Expressions, Pattern, has_dot_segments, same_start

#: So many patterns are tried one by one.
FEW = 4


@dataclass(frozen=True, slots=True)
class CandidateChannel:
    """What matching needs to know of an active channel."""

    id: uuid.UUID
    name: str
    pattern: Pattern
    methods: frozenset[str]
    priority: int
    mediator_id: uuid.UUID
    #: What a call must hold besides.
    content: ContentRule | None = None

    def takes(self, method: str) -> bool:
        """Whether the channel allows `method`; none listed means any."""
        return not self.methods or method in self.allowed

    @property
    def allowed(self) -> frozenset[str]:
        """The channel's methods. Whoever may GET may ask for the head alone (RFC 9110 §9.3.2)."""
        return self.methods | {"HEAD"} if "GET" in self.methods else self.methods


@dataclass(frozen=True, slots=True)
class Matched:
    """This channel takes the call."""

    channel: CandidateChannel


@dataclass(frozen=True, slots=True)
class NoPath:
    """No active channel for this path."""


@dataclass(frozen=True, slots=True)
class NoMethod:
    """The path has channels, but none takes the method; `allow` lists what they take."""

    allow: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offline:
    """The path and method have channels, but all their mediators are offline."""

    channel: CandidateChannel


Verdict = Matched | NoPath | NoMethod | Offline


class ChannelIndex:
    """Active channels, ready to be asked; only those whose start a path has are tried."""

    def __init__(self, channels: Iterable[CandidateChannel]) -> None:
        self.channels = sorted(channels, key=_order)
        self._exact: dict[str, list[CandidateChannel]] = {}
        by_length: dict[int, dict[str, list[CandidateChannel]]] = {}
        for channel in self.channels:
            pattern = channel.pattern
            if pattern.exact is None:
                starts = by_length.setdefault(len(pattern.start), {})
                starts.setdefault(pattern.start, []).append(channel)
            else:
                self._exact.setdefault(pattern.exact, []).append(channel)
        self._by_length = sorted(by_length.items())
        self._expressions = Expressions(channel.pattern for channel in self.channels)
        texts = sorted((_compared(one), place) for place, one in enumerate(self.channels))
        self._texts = [text for text, _ in texts]
        self._places = [place for _, place in texts]
        #: How much each text shares with the one before it.
        self._shared = [same_start(*pair) for pair in pairwise(["", *self._texts])]

    def on_path(self, path: str) -> list[CandidateChannel]:
        """The channels whose pattern matches `path`, best first."""
        if has_dot_segments(path):
            return []
        exact = self._exact.get(path, [])
        others = [
            channel
            for length, starts in self._by_length
            for channel in starts.get(path[:length], ())
        ]
        if len(others) > FEW:
            may_match = self._expressions.may_match(path)
            others = [channel for channel in others if may_match(channel.pattern)]
        found = exact + [channel for channel in others if channel.pattern.matches(path)]
        return sorted(found, key=_order) if len(found) > 1 else found

    def alike(self, path: str, most: int) -> list[CandidateChannel]:
        """The channels whose patterns share the longest start with `path`, which is in lower case,
        best first; letter case and a `^` do not matter.

        What a text shares with a path falls with each step away from where the path would stand
        among them: only as many texts are looked at as are named, and those that share as much.
        """
        texts, right = self._texts, bisect(self._texts, path)
        left = right - 1
        before = same_start(texts[left], path) if left >= 0 else -1
        behind = same_start(texts[right], path) if right < len(texts) else -1
        found: list[tuple[int, int]] = []
        while (best := max(before, behind)) >= 0 and (len(found) < most or -best == found[-1][0]):
            if before == best:
                found.append((-best, self._places[left]))
                before, left = min(before, self._shared[left]) if left else -1, left - 1
            else:
                found.append((-best, self._places[right]))
                right += 1
                behind = min(behind, self._shared[right]) if right < len(texts) else -1
        return [self.channels[place] for _, place in sorted(found)[:most]]

    def match(self, method: str, path: str, is_online: Callable[[uuid.UUID], bool]) -> Verdict:
        """The verdict on a call; `path` is percent-decoded once."""
        return _verdict(self.on_path(path), method, is_online)

    def match_named(
        self, name: str, method: str, path: str, is_online: Callable[[uuid.UUID], bool]
    ) -> Verdict:
        """The verdict on a call to the channel called `name`, whichever others take the path."""
        named = [channel for channel in self.on_path(path) if channel.name == name]
        return _verdict(named, method, is_online)

    def takers(
        self, name: str | None, method: str, path: str, is_online: Callable[[uuid.UUID], bool]
    ) -> list[CandidateChannel]:
        """All that would take the call but for its contents, best first; with `name` only that."""
        return [
            channel
            for channel in self.on_path(path)
            if channel.takes(method)
            and is_online(channel.mediator_id)
            and name in (None, channel.name)
        ]


def _compared(channel: CandidateChannel) -> str:
    return channel.pattern.text.lstrip("^").lower()


def _order(channel: CandidateChannel) -> tuple[int, str]:
    return channel.priority, channel.name


def _verdict(
    candidates: Sequence[CandidateChannel], method: str, is_online: Callable[[uuid.UUID], bool]
) -> Verdict:
    if not candidates:
        return NoPath()
    takers = [channel for channel in candidates if channel.takes(method)]
    if not takers:
        return NoMethod(tuple(sorted({name for one in candidates for name in one.allowed})))
    for channel in takers:
        if is_online(channel.mediator_id):
            return Matched(channel)
    return Offline(takers[0])
