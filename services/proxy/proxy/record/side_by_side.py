"""Two texts, or two sets of named values, beside each other with what differs marked. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from common.console.pretty import pretty

#: Lines of each text that are compared; what follows is not looked at.
MAX_LINES = 2_000
#: Equal lines that are shown around what differs.
_AROUND = 3
_HL7 = ("MSH|", "FHS|", "BHS|")


class Mark(StrEnum):
    """What a row says of its two sides."""

    SAME = "same"
    CHANGED = "changed"
    LEFT = "left"
    RIGHT = "right"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Row:
    """A line of each side, None where there is none; `name` where lines have one."""

    mark: Mark
    left: str | None
    right: str | None
    name: str = ""


def named(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Row]:
    """Values by their names, in the order of the left side, then of the right one."""
    return [_pair(name, left.get(name), right.get(name)) for name in {**left, **right}]


def lines(left: str, right: str) -> list[Row]:
    """Two bodies as people read them; of what is the same, only what stands near a difference."""
    ours, theirs = _readable(left), _readable(right)
    rows: list[Row] = []
    for tag, start, end, other, other_end in SequenceMatcher(None, ours, theirs).get_opcodes():
        if tag == "equal":
            rows += _same(ours[start:end], is_first=not start, is_last=end == len(ours))
        else:
            rows += _changed(ours[start:end], theirs[other:other_end])
    return rows


def differs(rows: Sequence[Row]) -> bool:
    """Whether anything is not the same on both sides."""
    return any(row.mark not in (Mark.SAME, Mark.SKIPPED) for row in rows)


def _readable(text: str) -> list[str]:
    """JSON and XML indented, HL7 a segment a line."""
    if text.lstrip().startswith(_HL7):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return pretty(text).splitlines()[:MAX_LINES]


def _pair(name: str, left: Any, right: Any) -> Row:
    ours, theirs = (None if one is None else _text(one) for one in (left, right))
    return Row(_mark(ours, theirs), ours, theirs, name)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _mark(left: str | None, right: str | None) -> Mark:
    if left == right:
        return Mark.SAME
    if left is None:
        return Mark.RIGHT
    return Mark.LEFT if right is None else Mark.CHANGED


def _same(found: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[Row]:
    head = 0 if is_first else _AROUND
    tail = 0 if is_last else _AROUND
    left_out = len(found) - head - tail
    for number, line in enumerate(found):
        if left_out <= 1 or number < head or number >= len(found) - tail:
            yield Row(Mark.SAME, line, line)
        elif number == head:
            said = f"{left_out} lines are the same"
            yield Row(Mark.SKIPPED, said, said)


def _changed(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Row]:
    for at in range(max(len(ours), len(theirs))):
        left = ours[at] if at < len(ours) else None
        right = theirs[at] if at < len(theirs) else None
        yield Row(_mark(left, right), left, right)
