"""The precedence of semantic versions, as semver.org tells it."""

import pytest
from proxy.registry.versions import Version

ORDERED = [
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0-0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "99999999999999999999.0.0",
]


def test_versions_sort_by_precedence() -> None:
    backwards = ORDERED[::-1]

    assert sorted(backwards, key=Version.parse) == ORDERED


def test_build_metadata_does_not_count() -> None:
    assert Version.parse("1.0.0+a") == Version.parse("1.0.0+b")


@pytest.mark.parametrize("text", ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-01", "1.0.0+", "a"])
def test_other_text_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="semantic"):
        Version.parse(text)
