"""Passwords in a mediator's configuration: masked wherever it is read, kept through changes."""

from typing import Any

import pytest
from common.errors import Invalid
from proxy.registry.mediator_config import hide, is_mask, reveal, with_new_members

DEFS = [
    {
        "param": "server",
        "type": "struct",
        "template": [{"param": "url", "type": "string"}, {"param": "pin", "type": "password"}],
    },
    {
        "param": "targets",
        "type": "struct",
        "array": True,
        "template": [{"param": "name", "type": "string"}, {"param": "code", "type": "password"}],
    },
]
CONFIG: dict[str, Any] = {
    "server": {"url": "http://shr:3000", "pin": "1234"},
    "targets": [{"name": "a", "code": "of-a"}, {"name": "b", "code": "of-b"}],
    "db": "mongodb://root:hidden@mongo/x",
    "apiKey": "k",
    "empty_password": "",
    "flags": [True, 3, None],
}


def test_passwords_by_type_name_and_url_are_masked_and_come_back() -> None:
    hidden = hide(CONFIG, DEFS, {})

    shown = hidden.document
    assert sorted(hidden.secrets.values()) == sorted(
        ["1234", "of-a", "of-b", "mongodb://root:hidden@mongo/x", "k"]
    )
    assert all(is_mask(value) for value in (shown["db"], shown["apiKey"], shown["server"]["pin"]))
    assert shown["server"]["url"] == "http://shr:3000"
    assert (shown["empty_password"], shown["flags"]) == ("", [True, 3, None])
    assert reveal(shown, hidden.secrets) == CONFIG
    assert "1234" not in repr(hidden)


def test_mask_takes_its_own_password_along_when_items_move() -> None:
    first = hide(CONFIG, DEFS, {})
    moved = {**first.document, "targets": first.document["targets"][::-1]}

    again = hide(moved, DEFS, first.secrets)

    assert [one["code"] for one in reveal(again.document, again.secrets)["targets"]] == [
        "of-b",
        "of-a",
    ]
    only_b = hide({"targets": moved["targets"][:1]}, DEFS, again.secrets)
    assert list(only_b.secrets.values()) == ["of-b"]


def test_mask_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="pin"):
        hide({"server": {"pin": "******** 00000000"}}, DEFS, {})


def test_number_as_a_password_is_masked_too() -> None:
    assert is_mask(hide({"server": {"pin": 1234}}, DEFS, {}).document["server"]["pin"])


def test_registration_adds_members_and_changes_none() -> None:
    here = {"a": 1, "s": {"x": 1}}

    assert with_new_members(here, {"a": 2, "b": 3, "s": {"x": 2, "y": 4}}) == {
        "a": 1,
        "b": 3,
        "s": {"x": 1, "y": 4},
    }
