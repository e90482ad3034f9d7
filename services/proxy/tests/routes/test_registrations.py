"""ESB registrations over the API."""

from typing import Any

import pytest


def a_registration(**changes: Any) -> dict[str, Any]:
    return {"organization": "NHIF", "api_code": "A1", **changes}


def test_registration_is_read_as_it_was_made(api: Any, channel: dict[str, Any]) -> None:
    made = api.made("registrations", **a_registration(channel_id=channel["id"]))

    assert api.get(f"registrations/{made['id']}/").get_json()["data"] == made
    assert (made["channel_id"], made["push_code"]) == (channel["id"], "")


@pytest.mark.parametrize(
    ("given", "allow"),
    [
        ({}, []),
        ({"allow": ["clinic", "nurses", "clinic"]}, ["clinic", "nurses"]),
        ({"allow": None}, None),
    ],
)
def test_registration_is_for_nobody_unless_it_says_so(
    api: Any, given: dict[str, Any], allow: list[str] | None
) -> None:
    made = api.made("registrations", **a_registration(**given))
    path = f"registrations/{made['id']}/"

    assert made["allow"] == allow
    assert api.patch(path, {"push_code": "P"}).get_json()["allow"] == allow
    assert api.patch(path, {"allow": ["lab"]}).get_json()["allow"] == ["lab"]


def test_registration_needs_a_code(api: Any) -> None:
    refused = api.post("registrations/", {"organization": "NHIF"})
    made = api.made("registrations", **a_registration())

    assert refused.status_code == 422
    assert sorted(refused.get_json()["errors"]) == ["api_code", "push_code"]
    path = f"registrations/{made['id']}/"
    assert api.patch(path, {"api_code": ""}).status_code == 422
    assert api.patch(path, {"api_code": "", "push_code": "P"}).status_code == 200


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"push_code": None}, ("A1", "")),
        ({"api_code": None, "push_code": "P"}, ("", "P")),
    ],
)
def test_code_that_is_null_is_none(api: Any, given: dict[str, Any], codes: tuple[str, str]) -> None:
    made = api.made("registrations", **a_registration(**given))
    assert (made["api_code"], made["push_code"]) == codes


def test_code_is_taken_away_with_null(api: Any) -> None:
    made = api.made("registrations", **a_registration(push_code="P"))
    path = f"registrations/{made['id']}/"
    assert api.patch(path, {"push_code": None}).get_json()["push_code"] == ""
    assert api.patch(path, {"api_code": None}).status_code == 422


@pytest.mark.parametrize("organization", ["nhif", " NHIF ", "NHIF"])
def test_organization_has_one_global_registration_in_any_letter_case(
    api: Any, organization: str
) -> None:
    api.made("registrations", **a_registration())

    answer = api.post("registrations/", a_registration(organization=organization))

    assert answer.status_code == 409
    assert "organization" in answer.get_json()["detail"]


def test_organization_may_have_another_one_per_channel(api: Any, channel: dict[str, Any]) -> None:
    api.made("registrations", **a_registration())
    api.made("registrations", **a_registration(channel_id=channel["id"]))

    again = api.post("registrations/", a_registration(channel_id=channel["id"]))

    assert again.status_code == 409


def test_registration_cannot_be_renamed_to_one_that_exists(api: Any) -> None:
    api.made("registrations", **a_registration())
    other = api.made("registrations", **a_registration(organization="Other"))
    path = f"registrations/{other['id']}/"

    assert api.patch(path, {"organization": "nhif"}).status_code == 409
    assert api.patch(path, {"organization": "OTHER"}).get_json()["organization"] == "OTHER"


@pytest.mark.parametrize("organization", ["", " ", "a\nb", "ß" * 200, "x" * 256, None, 1])
def test_bad_organization_is_refused_by_name(api: Any, organization: object) -> None:
    answer = api.post("registrations/", a_registration(organization=organization))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["organization"]


def test_unknown_channel_is_refused_by_name(api: Any) -> None:
    nowhere = "00000000-0000-0000-0000-000000000000"

    answer = api.post("registrations/", a_registration(channel_id=nowhere))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["channel_id"]


def test_registrations_go_with_their_channel(api: Any, channel: dict[str, Any]) -> None:
    made = api.made("registrations", **a_registration(channel_id=channel["id"]))

    api.delete(f"channels/{channel['id']}/")

    assert api.get(f"registrations/{made['id']}/").status_code == 404
