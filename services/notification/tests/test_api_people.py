"""Preferences and inboxes over the API."""

import uuid
from typing import Any

import pytest

DEFAULTS = {
    "user_id": "anna",
    "actor_type": "TEACHER",
    "allow_sms": True,
    "allow_email": True,
    "allow_in_app": True,
    "preferred_lang": "en",
    "quiet_from": None,
    "quiet_until": None,
    "time_zone": "UTC",
    "is_default": True,
    "updated_at": None,
}
ANNA = "preferences/TEACHER/anna/"


def test_who_has_not_said_anything_has_the_defaults(api: Any) -> None:
    assert api.get(ANNA).get_json() == DEFAULTS


def test_preference_is_set_and_changed_by_what_is_given(api: Any) -> None:
    first = api.post(ANNA, {"allow_sms": False, "preferred_lang": "SW"})
    assert first.status_code == 201

    quiet = {"quiet_from": "21:00", "quiet_until": "06:30", "time_zone": "Africa/Dar_es_Salaam"}
    second = api.post(ANNA, quiet).get_json()

    said = {"allow_sms": False, "preferred_lang": "sw", **quiet, "is_default": False}
    assert second == {**DEFAULTS, **said, "updated_at": second["updated_at"]}
    assert api.get(ANNA).get_json() == second
    assert api.get("preferences/STAFF/anna/").get_json()["is_default"]

    assert (
        api.post(ANNA, {"quiet_from": None, "quiet_until": None}).get_json()["quiet_from"] is None
    )


def test_empty_body_stores_the_defaults(api: Any) -> None:
    assert not api.post(ANNA, {}).get_json()["is_default"]


def test_unknown_actor_type_is_404(api: Any) -> None:
    assert api.get("preferences/MARTIAN/anna/").status_code == 404
    assert api.post("preferences/MARTIAN/anna/", {}).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"allow_sms": "true"}, "allow_sms"),
        ({"allow_sms": None}, "allow_sms"),
        ({"preferred_lang": "klingon please"}, "preferred_lang"),
        ({"preferred_lang": ""}, "preferred_lang"),
        ({"quiet_from": "21:00"}, "quiet_until"),
        ({"quiet_from": "21:00", "quiet_until": "21:00"}, "quiet_until"),
        ({"quiet_from": "9:00", "quiet_until": "10:00"}, "quiet_from"),
        ({"quiet_from": "24:00", "quiet_until": "10:00"}, "quiet_from"),
        ({"time_zone": "Africa"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_preference_of_nonsense_is_refused_by_its_field(
    api: Any, given: dict[str, Any], field: str
) -> None:
    answer = api.post(ANNA, given)

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert api.get(ANNA).get_json() == DEFAULTS


def test_inbox_is_a_persons_own_and_newest_first(api: Any, desk: Any) -> None:
    first = desk.in_app("anna", title="Leseni")
    second = desk.in_app("anna", actor_type="STAFF")
    desk.in_app("ben")

    found = api.get("inbox/anna/").get_json()["data"]

    assert {one["id"] for one in found} == {str(first), str(second)}
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    assert api.get("inbox/anna/", actor_type="TEACHER").get_json()["data"][0]["title"] == "Leseni"


def test_message_is_read_once(api: Any, desk: Any) -> None:
    message, other = desk.in_app("anna"), desk.in_app("anna")

    first = api.post(f"inbox/{message}/read/")
    again = api.post(f"inbox/{message}/read/")

    assert first.status_code == 200
    assert first.get_json()["is_read"]
    assert again.get_json() == first.get_json()
    for unread, expected in (("true", other), ("false", message)):
        found = api.get("inbox/anna/", unread=unread).get_json()["data"]
        assert [one["id"] for one in found] == [str(expected)]


def test_message_of_nobody_is_404(api: Any) -> None:
    assert api.post(f"inbox/{uuid.uuid4()}/read/").status_code == 404
    assert api.get("inbox/nobody/").get_json()["count"] == 0
