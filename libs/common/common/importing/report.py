"""What an import did: counts by kind, and what could not come over, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field

#: Names that are listed for one reason; of more only how many they are.
MOST_NAMED = 20


class LeftOut(Exception):
    """A record cannot come over; the message is the reason, without secrets."""


@dataclass
class Counts:
    """One kind of record: how many there, here before and after, and what became of them."""

    there: int = 0
    before: int = 0
    after: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    left_out: int = 0


@dataclass
class _Reason:
    count: int = 0
    names: list[str] = field(default_factory=list)


@dataclass
class Report:
    """Filled while records come over; `lines` is what an operator reads."""

    kinds: dict[str, Counts] = field(default_factory=dict)
    _left_out: dict[tuple[str, str], _Reason] = field(default_factory=dict)
    _notes: dict[tuple[str, str], _Reason] = field(default_factory=dict)

    def of(self, kind: str) -> Counts:
        """The counts of a kind."""
        return self.kinds.setdefault(kind, Counts())

    def left_out(self, kind: str, name: object, why: str, count: int = 1) -> None:
        """A record (or `count` of them) could not come over."""
        self.of(kind).left_out += count
        _add(self._left_out.setdefault((kind, why), _Reason()), name, count)

    def note(self, kind: str, name: object, what: str) -> None:
        """A record came over, but not as it was."""
        _add(self._notes.setdefault((kind, what), _Reason()), name, 1)

    def lines(self) -> Iterator[str]:
        """The counts as a table, then what could not come over, then what was changed."""
        heads = ("there", "before", "after", "new", "changed", "unchanged", "left out")
        yield f"{'':<16}" + "".join(f"{head:>11}" for head in heads)
        for kind, counts in self.kinds.items():
            yield f"{kind:<16}" + "".join(f"{number:>11}" for number in vars(counts).values())
        for title, reasons in (
            ("Could not come over:", self._left_out),
            ("Came over otherwise than it was:", self._notes),
        ):
            if reasons:
                yield title
            for (kind, why), reason in reasons.items():
                yield f"  {kind} ({reason.count}): {why}: {_named(reason)}"


def _add(reason: _Reason, name: object, count: int) -> None:
    reason.count += count
    if len(reason.names) < MOST_NAMED:
        reason.names.append(str(name))


def _named(reason: _Reason) -> str:
    more = reason.count > len(reason.names)
    return ", ".join(reason.names) + (", …" if more else "")
