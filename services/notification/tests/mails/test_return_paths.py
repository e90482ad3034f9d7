"""Addresses that failures come back to: made and read by this installation only."""

import uuid

import pytest
from notification.mails.return_paths import ReturnPaths

PATHS = ReturnPaths("bounce.example.org", "s" * 32)
ATTEMPT = (uuid.UUID(int=7), 3)


def test_an_address_tells_its_attempt_to_us_and_nobody_else() -> None:
    address = PATHS.address(*ATTEMPT)
    assert len(address.partition("@")[0]) <= 64
    assert PATHS.attempt(address) == PATHS.attempt(f" <{address.upper()}> ") == ATTEMPT
    assert ReturnPaths(PATHS.domain, "t" * 32).attempt(address) is None
    assert ReturnPaths("other.example", PATHS.secret).attempt(address) is None
    assert PATHS.secret not in repr(PATHS)


def test_a_changed_address_is_none() -> None:
    address = PATHS.address(*ATTEMPT)
    at = address.index("@")
    for place in range(len("bounce-"), at):
        other = "a" if address[place] != "a" else "b"
        assert PATHS.attempt(address[:place] + other + address[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    ["", "@", "bounce-@bounce.example.org", "bounce-é1@bounce.example.org", "x@y", "bounce-"],
)
def test_what_is_no_address_of_ours_is_none(text: str) -> None:
    assert PATHS.attempt(text) is None
    assert PATHS.attempt(f"bounce-{'a' * 4000}@bounce.example.org") is None
