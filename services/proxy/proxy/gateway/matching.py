"""Which channel takes a call, and why the others do not. Pure: tested by tables.

Order: path, then method, then mediator online, then the lowest `priority` number, then name. A
path with `.` or `..` segments matches nothing: what it means would be the mediator's to decide.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from proxy.errors import BadPattern

#: Paths of the hub itself (DESIGN: "One address"). Ending in `/`: the whole tree below.
RESERVED_PATHS = (
    "/",
    "/admin/",
    "/api/docs/",
    "/api/esb/",
    "/api/notification/",
    "/api/policy-notification/",
    "/api/proxy/",
    "/favicon.ico",
    "/health/",
    "/integration/call",
    "/livez",
    "/metrics",
    "/oauth/token",
    "/readyz",
    "/tester/",
    "/transactions/",
    "/.well-known/jwks.json",
)
_RESERVED_EXACT = frozenset(path.rstrip("/") for path in RESERVED_PATHS)
_RESERVED_TREES = tuple(path for path in RESERVED_PATHS if path.endswith("/") and path != "/")

_REGEX_LITERAL_START = re.compile(r"\^((?:[\w/-]|\\[.\-/])*)")


def is_reserved(path: str) -> bool:
    """Whether the hub itself answers `path` (percent-decoded)."""
    return path.rstrip("/") in _RESERVED_EXACT or path.startswith(_RESERVED_TREES)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled `path_pattern`; `exact` is the path when only that one matches."""

    text: str
    exact: str | None
    matches: Callable[[str], bool] = field(repr=False, compare=False)


def compile_pattern(text: str) -> Pattern:
    """Read a pattern: `/exact`, `/prefix/*`, or a regular expression starting with `^`.

    An expression without a final `$` matches every path that starts with it. Raises BadPattern.
    """
    if text.startswith("^"):
        return _compile_regex(text)
    if not text.startswith("/"):
        raise BadPattern("A path pattern starts with / or, as a regular expression, with ^")
    literal, star, rest = text.partition("*")
    if star and (rest or not literal.endswith("/")):
        raise BadPattern("A * stands at the end only, after a /; for more use ^ and an expression")
    if is_reserved(literal) and literal != "/":
        raise BadPattern(f"{literal} is reserved for the hub itself")
    if star:
        return Pattern(text, None, lambda path: path.startswith(literal))
    if literal == "/":
        raise BadPattern("/ is reserved for the hub itself")
    return Pattern(text, literal, lambda path: path == literal)


def _compile_regex(text: str) -> Pattern:
    try:
        match = re.compile(text).match
    except (re.error, RecursionError, OverflowError) as exc:
        raise BadPattern(f"The regular expression does not compile: {exc}") from exc
    start = _REGEX_LITERAL_START.match(text)
    literal = start.group(1).replace("\\", "") if start else ""
    if literal.startswith(_RESERVED_TREES):
        raise BadPattern(f"{literal} is reserved for the hub itself")
    return Pattern(text, None, lambda path: match(path) is not None)


@dataclass(frozen=True, slots=True)
class CandidateChannel:
    """What matching needs to know of an active channel."""

    id: uuid.UUID
    name: str
    pattern: Pattern
    methods: frozenset[str]
    priority: int
    mediator_id: uuid.UUID

    def takes(self, method: str) -> bool:
        """Whether `method` is one of the channel's; none listed means any."""
        return not self.methods or method in self.methods


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


def has_dot_segments(path: str) -> bool:
    """Whether `path` climbs: `/a/../b`, `/./a`, the same with backslashes, and `/a/..;x/b`.

    Servlet containers cut `;x` off a segment before they resolve it.
    """
    if "." not in path:
        return False
    segments = path.replace("\\", "/").split("/")
    return any(segment.partition(";")[0] in {".", ".."} for segment in segments)


class ChannelIndex:
    """Active channels, ready to be asked; exact paths are found without a scan."""

    def __init__(self, channels: Iterable[CandidateChannel]) -> None:
        self.channels = sorted(channels, key=lambda channel: (channel.priority, channel.name))
        self._exact: dict[str, list[CandidateChannel]] = {}
        self._others: list[CandidateChannel] = []
        for channel in self.channels:
            if channel.pattern.exact is None:
                self._others.append(channel)
            else:
                self._exact.setdefault(channel.pattern.exact, []).append(channel)

    def on_path(self, path: str) -> list[CandidateChannel]:
        """The channels whose pattern matches `path`, best first."""
        if has_dot_segments(path):
            return []
        found = self._exact.get(path, [])
        patterns = [channel for channel in self._others if channel.pattern.matches(path)]
        if not patterns:
            return found
        return sorted((*found, *patterns), key=lambda channel: (channel.priority, channel.name))

    def match(self, method: str, path: str, is_online: Callable[[uuid.UUID], bool]) -> Verdict:
        """The verdict on a call; `path` is percent-decoded once."""
        return _verdict(self.on_path(path), method, is_online)

    def match_named(
        self, name: str, method: str, is_online: Callable[[uuid.UUID], bool]
    ) -> Verdict:
        """The verdict on a call to the channel called `name`, whatever its path."""
        named = [channel for channel in self.channels if channel.name == name]
        return _verdict(named, method, is_online)


def _verdict(
    candidates: Sequence[CandidateChannel], method: str, is_online: Callable[[uuid.UUID], bool]
) -> Verdict:
    if not candidates:
        return NoPath()
    takers = [channel for channel in candidates if channel.takes(method)]
    if not takers:
        return NoMethod(tuple(sorted({name for one in candidates for name in one.methods})))
    for channel in takers:
        if is_online(channel.mediator_id):
            return Matched(channel)
    return Offline(takers[0])


def why_not(
    channel: CandidateChannel, method: str, path: str, is_online: Callable[[uuid.UUID], bool]
) -> str | None:
    """Why `channel` does not take the call; None when it does."""
    if has_dot_segments(path):
        return "the path has . or .. segments"
    if not channel.pattern.matches(path):
        return _why_not_path(channel.pattern, path)
    if not channel.takes(method):
        return f"takes {', '.join(sorted(channel.methods))}, not {method}"
    if not is_online(channel.mediator_id):
        return "its mediator is offline"
    return None


def _why_not_path(pattern: Pattern, path: str) -> str:
    other = path[:-1] if path.endswith("/") else f"{path}/"
    if pattern.matches(other):
        return f"matches {other}: a final slash makes another path"
    if pattern.matches(path.lower()) or pattern.text.lower() == path.lower():
        return "matches only in other letter case"
    return f"{pattern.text} does not match {path}"


def nearest(
    index: ChannelIndex,
    method: str,
    path: str,
    is_online: Callable[[uuid.UUID], bool],
    *,
    most: int = 3,
) -> list[dict[str, str]]:
    """The channels closest to a call that none took: `[{"channel", "path_pattern", "why_not"}]`."""
    ranked = sorted(index.channels, key=lambda channel: -_shared_start(channel.pattern.text, path))
    return [
        {
            "channel": channel.name,
            "path_pattern": channel.pattern.text,
            "why_not": why_not(channel, method, path, is_online) or "another channel came first",
        }
        for channel in ranked[:most]
    ]


def _shared_start(pattern: str, path: str) -> int:
    """How many leading characters the two have in common, regardless of case and a `^`."""
    pairs: Sequence[tuple[str, str]] = list(
        zip(pattern.lstrip("^").lower(), path.lower(), strict=False)
    )
    return next((at for at, (left, right) in enumerate(pairs) if left != right), len(pairs))
