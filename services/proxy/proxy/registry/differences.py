"""Where two documents differ, member by member. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.record.masks import MASK

#: The member of credentials that holds their secret, as it is stored.
_SEALED = "sealed"


@dataclass(frozen=True)
class Change:
    """One member that differs; None where there is none. Nothing of it is secret."""

    field: str
    before: Any
    after: Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The members that differ, by name: `config.server`, `routes[bus].url`."""
    return sorted(_changes("", before, after), key=lambda one: one.field)


def shown(value: Any) -> Any:
    """The value with masks for what is sealed."""
    if isinstance(value, Mapping):
        return {
            ("secret" if name == _SEALED else name): MASK if name == _SEALED else shown(inner)
            for name, inner in value.items()
        }
    return [shown(one) for one in value] if isinstance(value, list) else value


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if path.endswith(f".{_SEALED}"):
        yield Change(f"{path.removesuffix(_SEALED)}secret", MASK, MASK)
        return
    pair = _members(before), _members(after)
    if pair[0] is None or pair[1] is None:
        yield Change(path, shown(before), shown(after))
        return
    for name in {**pair[0], **pair[1]}:
        inner = name if name.startswith("[") or not path else f".{name}"
        yield from _changes(f"{path}{inner}", pair[0].get(name), pair[1].get(name))


def _members(value: Any) -> Mapping[str, Any] | None:
    """What is compared by name: an object's members, or a list's items that have names.

    None for all else, and for a list in which the order counts.
    """
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not value:
        return None
    names = [one.get("name") if isinstance(one, Mapping) else None for one in value]
    if None in names or len(set(names)) < len(names):
        return None
    return {f"[{name}]": one for name, one in zip(names, value, strict=True)}
