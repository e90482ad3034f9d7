"""Semantic versions (semver.org, 2.0.0): which of two is higher. Pure."""

import re
from dataclasses import dataclass, field

#: The expression that semver.org suggests, without its named groups.
SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
)
_semver = re.compile(SEMVER)
_SHORT = re.compile(r"[vV]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?")


def semantic_version(text: str) -> str:
    """`1.0` or `v1` as a semantic version; what is one stays, and nothing is `1.0.0`."""
    found = _SHORT.fullmatch(text.strip())
    if found is None:
        return text.strip() or "1.0.0"
    return ".".join(str(int(number or 0)) for number in found.groups())


@dataclass(frozen=True, order=True)
class Version:
    """A version by its precedence; build metadata does not count."""

    numbers: tuple[int, int, int]
    is_release: bool
    pre_release: tuple[tuple[bool, int, str], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `1.2.3-rc.1+build`. Raises ValueError."""
        found = _semver.fullmatch(text)
        if found is None:
            raise ValueError("not a semantic version")
        major, minor, patch, pre_release, _build = found.groups()
        identifiers = pre_release.split(".") if pre_release else ()
        return cls(
            (int(major), int(minor), int(patch)),
            not identifiers,
            tuple(_rank(identifier) for identifier in identifiers),
        )


def _rank(identifier: str) -> tuple[bool, int, str]:
    """Numbers come before words."""
    if identifier.isdigit():
        return (False, int(identifier), "")
    return (True, 0, identifier)
