"""Preferences and inboxes over the API."""

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from common.clock import rfc3339, utc_now
from notification.models import ChannelCode

EVENT = "LICENCE_ISSUED"
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
    assert api.get(ANNA).get_json()["data"] == DEFAULTS


def test_preference_is_set_and_changed_by_what_is_given(api: Any) -> None:
    first = api.post(ANNA, {"allow_sms": False, "preferred_lang": "SW"})
    assert first.status_code == 201

    quiet = {"quiet_from": "21:00", "quiet_until": "06:30", "time_zone": "Africa/Dar_es_Salaam"}
    second = api.post(ANNA, quiet).get_json()["data"]

    said = {"allow_sms": False, "preferred_lang": "sw", **quiet, "is_default": False}
    assert second == {**DEFAULTS, **said, "updated_at": second["updated_at"]}
    assert api.get(ANNA).get_json()["data"] == second
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
    assert api.get(ANNA).get_json()["data"] == DEFAULTS


def test_inbox_is_a_persons_own_and_newest_first(api: Any, client: Any) -> None:
    first = client.in_app("anna", title="Leseni")
    second = client.in_app("anna")
    client.in_app("ben")

    found = api.get("inbox/anna/").get_json()["data"]

    assert {one["id"] for one in found} == {str(first), str(second)}
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)


def test_people_with_the_same_user_id_are_told_apart(api: Any, client: Any) -> None:
    staff, family = (
        client.in_app("100", actor_type="STAFF"),
        client.in_app("100", actor_type="FAMILY"),
    )

    answer = api.get("inbox/100/")

    assert answer.status_code == 422
    reason = "Several people have this user id: say which, one of FAMILY, STAFF."
    assert answer.get_json()["errors"] == {"actor_type": [reason]}
    for actor_type, expected in (("STAFF", staff), ("FAMILY", family)):
        found = api.get("inbox/100/", actor_type=actor_type).get_json()
        assert [one["id"] for one in found["data"]] == [str(expected)]
        assert found["unread_count"] == 1


def test_a_preference_makes_two_people_of_a_user_id_as_well(api: Any, client: Any) -> None:
    client.in_app("100", actor_type="STAFF")
    client.prefers("100", actor_type="FAMILY")
    assert api.get("inbox/100/").status_code == 422


def test_explained_to_one_of_two_people(api: Any, client: Any) -> None:
    client.rule(ChannelCode.IN_APP)
    client.prefers("100", actor_type="FAMILY")
    client.prefers("100", actor_type="STAFF")
    asked = {"event_code": EVENT, "user_id": "100"}
    both = api.get("explain/", **asked).get_json()
    one = api.get("explain/", **asked, actor_type="STAFF").get_json()
    assert [decision["actor_type"] for decision in both["decisions"]] == ["FAMILY", "STAFF"]
    assert [decision["actor_type"] for decision in one["decisions"]] == ["STAFF"]


ODD_IDS = ["TSC/2019/00123", "/a", "a//b", "a b", "100%", "é?#&+", "read", "x/read", "%2F"]


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_a_user_id_may_have_any_characters(api: Any, client: Any, user_id: str) -> None:
    client.rule(ChannelCode.IN_APP)
    client.template(ChannelCode.IN_APP)
    [id_] = client.emit(user_id)["queued_outbox_ids"]
    api.post("outbox/process/")
    path = quote(user_id, safe="")

    found = api.get(f"inbox/{path}/").get_json()

    assert [one["outbox_id"] for one in found["data"]] == [id_]
    assert api.post(f"preferences/TEACHER/{path}/", {"allow_sms": False}).status_code == 201
    wish = api.get(f"preferences/TEACHER/{path}/").get_json()
    assert (wish["user_id"], wish["allow_sms"]) == (user_id, False)
    assert api.get("explain/", event_code=EVENT, user_id=user_id).get_json()["decisions"]


def test_inbox_and_outbox_are_in_the_order_of_their_events(api: Any, client: Any) -> None:
    client.rule(ChannelCode.IN_APP)
    client.template(ChannelCode.IN_APP, "n{number}")
    for number in range(8):
        client.emit("anna", context={"number": number})
    api.post("outbox/process/")
    expected = [f"n{number}" for number in reversed(range(8))]
    for path in ("inbox/anna/", "outbox/"):
        assert [one["body"] for one in api.get(path).get_json()["data"]] == expected


def test_a_delayed_message_stands_where_its_time_is(api: Any, client: Any, container: Any) -> None:
    client.rule(ChannelCode.IN_APP)
    client.template(ChannelCode.IN_APP, "{what}")
    soon = utc_now() + timedelta(milliseconds=900)
    client.emit("anna", context={"what": "delayed"}, send_at=rfc3339(soon))
    client.emit("anna", context={"what": "at once"})
    while api.get("inbox/anna/").get_json()["count"] < 2:
        api.post("outbox/process/")
    found = api.get("inbox/anna/").get_json()["data"]
    assert [one["body"] for one in found] == ["delayed", "at once"]


def test_unread_messages_are_counted_whatever_the_page(api: Any, client: Any) -> None:
    ids = [client.in_app("anna") for _ in range(5)]
    api.post(f"inbox/{ids[0]}/read/")
    page = api.get("inbox/anna/", limit=2).get_json()
    assert (page["count"], page["unread_count"]) == (2, 4)
    assert api.get("inbox/anna/", unread="false").get_json()["unread_count"] == 4


def test_message_is_read_once(api: Any, client: Any) -> None:
    message, other = client.in_app("anna"), client.in_app("anna")

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
