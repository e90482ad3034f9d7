"""Channels in the console: opened, changed, closed, and tried before anybody calls."""

import re
from collections.abc import Callable
from typing import Any

import pytest

LIST = "/admin/mediator/channels/"
NEW = f"{LIST}new/"


@pytest.fixture
def given(mediator: dict[str, Any]) -> dict[str, Any]:
    """What the form of a channel sends."""
    return {
        "name": "Visits",
        "path_pattern": "/visits/*",
        "mediator_id": mediator["id"],
        "channel_type": "http",
        "priority": "2",
        "timeout_s": "",
        "methods": ["GET", "POST"],
        "allow": "clinic\r\nlab\r\n",
        "request_body_schema": '{"type": "object"}',
        "request_body_example": "a\r\nb",
        "store_request_body": "true",
        "total_timeout_s": "1800",
        "async_passthrough": "true",
        "response_retention_days": "7",
        "is_public": "true",
        "allowed_addresses": "10.0.0.0/8\r\n192.0.2.1",
        "match_kind": "json",
        "match_expression": "type",
        "match_value": "visit",
        "rewrite_expression": "s/visits/v2/",
    }


def test_channel_is_opened_as_typed(admin: Any, api: Any, given: dict[str, Any]) -> None:
    answer = admin.act(NEW, **given)

    (channel,) = api.get("channels/").get_json()["data"]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{LIST}{channel['id']}/")
    assert (channel["methods"], channel["allow"]) == (["GET", "POST"], ["clinic", "lab"])
    assert (channel["priority"], channel["timeout_s"]) == (2, None)
    assert channel["request_body_schema"] == {"type": "object"}
    assert channel["request_body_example"] == "a\nb"
    assert (channel["total_timeout_s"], channel["async_passthrough"]) == (1800, True)
    assert channel["response_retention_days"] == 7
    assert (channel["is_public"], channel["tell_client"]) == (True, False)
    assert channel["allowed_addresses"] == ["10.0.0.0/8", "192.0.2.1"]
    assert channel["match_body"] == {"kind": "json", "expression": "type", "value": "visit"}
    assert channel["rewrite_expression"] == "s/visits/v2/"
    form = admin.get(f"{LIST}{channel['id']}/edit/").text
    assert 'value="s/visits/v2/"' in form
    assert '<option value="json" selected>' in form
    assert (channel["store_request_body"], channel["store_response_body"]) == (True, False)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": ""}, "name", "Must not be blank"),
        ({"path_pattern": "^("}, "path_pattern", "does not compile"),
        ({"path_pattern": "/admin/x"}, "path_pattern", "reserved"),
        ({"mediator_id": ""}, "mediator_id", "Choose one"),
        ({"channel_type": "tcp"}, "channel_type", "cannot speak"),
        ({"request_body_schema": "{"}, "request_body_schema", "This is not JSON"),
        ({"request_body_schema": '{"type": 1}'}, "request_body_schema", "."),
        ({"timeout_s": "0"}, "timeout_s", "greater than 0"),
        ({"priority": "x"}, "priority", "integer"),
        ({"total_timeout_s": "0"}, "total_timeout_s", "greater than 0"),
        ({"response_retention_days": "366"}, "response_retention_days", "365"),
        ({"path_pattern": "^/a(?=b)"}, "path_pattern", "invalid perl operator"),
        ({"listener": "70000", "path_pattern": "/a"}, "listener", "65535"),
        ({"listener": "2575"}, "path_pattern", "the one path of its calls"),
        ({"polling": "daily", "path_pattern": "/a"}, "polling", "cron"),
        ({"polling": "* * * * *", "path_pattern": "/a"}, "allowed_addresses", "no address"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field(
    admin: Any, api: Any, given: dict[str, Any], changes: dict[str, str], field: str, reason: str
) -> None:
    page = admin.act(NEW, **{**given, **changes})

    assert page.status_code == 422
    assert re.search(rf'id="{field}-error">[^<]*{reason}', page.text)
    assert api.get("channels/").get_json()["count"] == 0


def test_form_shows_a_channel_so_that_saving_changes_nothing(
    admin: Any, api: Any, given: dict[str, Any]
) -> None:
    admin.act(NEW, **given)
    (channel,) = api.get("channels/").get_json()["data"]
    path = f"{LIST}{channel['id']}/edit/"
    page = admin.get(path).text
    assert 'value="/visits/*"' in page
    assert ">\nclinic\nlab</textarea>" in page
    assert f'<option value="{channel["mediator_id"]}" selected>' in page

    assert admin.act(path, **given).status_code == 303

    (now,) = api.get("channels/").get_json()["data"]
    kept = {name: value for name, value in channel.items() if name != "updated_at"}
    assert {name: value for name, value in now.items() if name != "updated_at"} == kept


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        (
            {"listener": "2575", "listener_framing": "mllp-as-it-is", "acts_for": "clinic"},
            {
                "listener": {
                    "port": 2575,
                    "framing": "mllp-as-it-is",
                    "tls": False,
                    "client_authorities": "",
                },
                "polling": None,
            },
            ["2575 (mllp-as-it-is)", "not opened by any gateway process yet"],
        ),
        (
            {"polling": "*/5 * * * *", "acts_for": "clinic"},
            {"polling": {"schedule": "*/5 * * * *", "time_zone": "UTC"}, "listener": None},
            ["*/5 * * * * (UTC)", "Next due time"],
        ),
    ],
    ids=["listener", "polling"],
)
def test_port_or_schedule_is_set_as_typed_and_kept(
    admin: Any,
    api: Any,
    given: dict[str, Any],
    typed: dict[str, str],
    stored: dict[str, Any],
    shown: list[str],
) -> None:
    form = {**given, "path_pattern": "/hl7", "allowed_addresses": "", "is_public": "", **typed}
    form |= {"request_body_schema": "", "match_kind": ""}
    assert admin.act(NEW, **form).status_code == 303
    (channel,) = api.get("channels/").get_json()["data"]
    assert {name: channel[name] for name in stored} == stored
    path = f"{LIST}{channel['id']}/"
    page = admin.get(path).text
    assert all(words in page for words in [*shown, "clinic"])
    assert admin.act(f"{path}edit/", **form).status_code == 303
    assert api.get("channels/").get_json()["data"][0]["acts_for"] == "clinic"
    edited = admin.get(f"{path}edit/").text
    assert 'value="2575"' in edited or 'value="*/5 * * * *"' in edited

    assert admin.act(f"{path}edit/", **{**form, "listener": "", "polling": ""}).status_code == 303
    (channel,) = api.get("channels/").get_json()["data"]
    assert (channel["listener"], channel["polling"]) == (None, None)


def test_channel_is_closed_and_opened(admin: Any, api: Any, channel: dict[str, Any]) -> None:
    for act, is_active in (("deactivate", False), ("activate", True)):
        assert admin.act(f"{LIST}{channel['id']}/{act}/").status_code == 303
        assert api.get(f"channels/{channel['id']}/").get_json()["is_active"] is is_active


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_read_and_change_nothing_even_by_a_forged_form(
    signed_in_as: Callable[[str], Any],
    api: Any,
    channel: dict[str, Any],
    given: dict[str, Any],
    role: str,
) -> None:
    reader = signed_in_as(role)
    assert "/patients/*" in reader.get(f"{LIST}{channel['id']}/").text
    assert reader.get(NEW).status_code == 403

    for path in ("new/", f"{channel['id']}/edit/", f"{channel['id']}/deactivate/"):
        assert reader.act(f"{LIST}{path}", **given).status_code == 403

    assert api.get("channels/").get_json()["data"] == [channel]


def test_form_without_its_token_is_refused(admin: Any, api: Any, given: dict[str, Any]) -> None:
    assert admin.post(NEW, **given).status_code == 403
    assert api.get("channels/").get_json()["count"] == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"method": "GET", "path": "/patients/17"}, "This channel takes the call"),
        ({"method": "GET", "path": "/visits/1"}, "it does not match"),
        ({"method": "GET", "path": "/admin/"}, "the hub itself answers this path"),
        ({"method": "GET", "path": "patients"}, "Must start with /."),
        ({"path": "/visits/1", "path_pattern": "/visits/*"}, "This channel takes the call"),
        ({"path": "/patients/1", "path_pattern": "/visits/*"}, "it does not match"),
        ({"path": "/patients/1", "path_pattern": "^("}, "does not compile"),
        (
            {"path": "/patients/1?a", "rewrite_expression": "s/patients/p/", "rewrite_path": ""},
            "is asked for <code>/p/1</code>",
        ),
        ({"path": "/patients/1", "rewrite_path": "/fix"}, "is asked for <code>/fix</code>"),
        ({"path": "/patients/1", "rewrite_expression": "s/(/b/"}, "does not compile"),
    ],
)
def test_tester_says_whether_a_call_would_match_and_if_not_why(
    signed_in_as: Callable[[str], Any],
    api: Any,
    channel: dict[str, Any],
    call: dict[str, str],
    words: str,
) -> None:
    page = signed_in_as("viewer").act(f"{LIST}{channel['id']}/try/", **call)

    assert page.status_code == 200
    assert words in page.text
    assert api.get("channels/").get_json()["data"] == [channel]


def test_tester_names_the_channel_that_takes_the_call_instead(
    admin: Any, api: Any, mediator: dict[str, Any], channel: dict[str, Any]
) -> None:
    other = api.made("channels", **api.a_channel(mediator, name="A", path_pattern="/patients/1"))

    page = admin.act(f"{LIST}{channel['id']}/try/", path="/patients/1").text

    assert "this channel does not take the call" in page
    assert f'href="{LIST}{other["id"]}/"' in page


def test_list_finds_by_pattern_and_says_what_to_do_when_empty(admin: Any, api: Any) -> None:
    assert "No channel yet" in admin.get(LIST).text
    made = api.made("channels", **api.a_channel(api.made("mediators", **api.a_mediator())))
    assert f'id="channel-{made["id"]}"' in admin.get(f"{LIST}?name=patients/").text
    assert 'id="channel-' not in admin.get(f"{LIST}?name=visits").text
    assert "/patients/*" in admin.get(f"{LIST}?format=csv").text
