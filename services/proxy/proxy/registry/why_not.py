"""Why a channel does not take a call, and which channels were close. Pure: tested by tables."""

import uuid
from collections.abc import Callable

from proxy.gateway.match import CandidateChannel, ChannelIndex
from proxy.registry.patterns import Pattern, has_dot_segments

#: No pattern is longer, so no more of a path can be like one.
_MAX_COMPARED_CHARS = 1024
#: Of so many times as many as are named it is asked whether they nearly match.
_LOOKED_AT = 8


def why_not(
    channel: CandidateChannel, method: str, path: str, is_online: Callable[[uuid.UUID], bool]
) -> str | None:
    """Why `channel` does not take the call; None when it does."""
    if has_dot_segments(path):
        return "the path has . or .. segments"
    if not channel.pattern.matches(path):
        return _why_not_path(channel.pattern, path)
    if not channel.takes(method):
        return f"takes {', '.join(sorted(channel.allowed))}, not {method}"
    if not is_online(channel.mediator_id):
        return "its mediator is offline"
    return None


def _why_not_path(pattern: Pattern, path: str) -> str:
    if len(path) > _MAX_COMPARED_CHARS:
        return f"{pattern.text} does not match {path[:_MAX_COMPARED_CHARS]}…"
    other = _other_slash(path)
    if pattern.matches(other):
        return f"matches {other}: a final slash makes another path"
    if _matches_in_other_case(pattern, path):
        return "matches only in other letter case"
    return f"{pattern.text} does not match {path}"


def _nearly_matches(pattern: Pattern, path: str) -> bool:
    """Whether the path, another final slash or other letter case would do."""
    return (
        pattern.matches(path)
        or pattern.matches(_other_slash(path))
        or _matches_in_other_case(pattern, path)
    )


def _matches_in_other_case(pattern: Pattern, path: str) -> bool:
    return pattern.matches(path.lower()) or pattern.text.lower() == path.lower()


def _other_slash(path: str) -> str:
    return path[:-1] if path.endswith("/") else f"{path}/"


def nearest(
    index: ChannelIndex,
    method: str,
    path: str,
    is_online: Callable[[uuid.UUID], bool],
    *,
    most: int = 3,
) -> list[dict[str, str]]:
    """The channels closest to a call that none took: `[{"channel", "path_pattern", "why_not"}]`."""
    alike = index.alike(path[:_MAX_COMPARED_CHARS].lower(), most * _LOOKED_AT)
    if len(path) <= _MAX_COMPARED_CHARS:
        # The sort is stable: among those that nearly match, and among the others, the order stays.
        alike.sort(key=lambda one: not _nearly_matches(one.pattern, path))
    return [
        {
            "channel": channel.name,
            "path_pattern": channel.pattern.text,
            "why_not": why_not(channel, method, path, is_online) or "another channel came first",
        }
        for channel in alike[:most]
    ]
