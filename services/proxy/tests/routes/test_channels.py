"""Channels over the API: what may be saved, and which channel would take a call."""

import uuid
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import Channel, ChannelType
from sqlalchemy import update

PATTERN, SCHEMA = "path_pattern", "request_body_schema"
DRAFT = "http://json-schema.org/draft-07/schema#"


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


def test_channel_is_saved_with_what_was_not_named(api: Any, mediator: dict[str, Any]) -> None:
    channel = api.made("channels", **api.a_channel(mediator, methods=["get", "POST", "get"]))

    assert channel["methods"] == ["GET", "POST"]
    assert channel["mediator_urn"] == mediator["urn"]
    assert (channel["priority"], channel["timeout_s"], channel["allow"]) == (1, None, [])
    assert (channel["total_timeout_s"], channel["async_passthrough"]) == (None, False)
    assert channel["response_retention_days"] == 1
    assert api.get(f"channels/{channel['id']}/").get_json()["data"] == channel


@pytest.mark.parametrize(
    ("field", "given", "saved"),
    [
        (SCHEMA, {}, None),
        (SCHEMA, None, None),
        ("request_content_type", None, ""),
        ("methods", ["get", "Put"], ["GET", "PUT"]),
        ("total_timeout_s", 7200.5, 7200.5),
        ("async_passthrough", True, True),
        ("response_retention_days", 0, 0),
        ("response_retention_days", 30, 30),
        ("is_public", True, True),
        ("always_async", True, True),
        ("rewrite_urls", True, True),
        ("tell_client", False, False),
        ("forward_authorization", True, True),
        ("allowed_addresses", ["::ffff:10.0.0.0/104"], ["10.0.0.0/8"]),
        ("match_content_types", ["text/xml"], ["text/xml"]),
        ("rewrite_path", "/fhir", "/fhir"),
        ("rewrite_expression", "s/a/b/g", "s/a/b/g"),
        ("match_body", None, None),
        (
            "match_body",
            {"kind": "regex", "expression": "a"},
            {"kind": "regex", "expression": "a", "value": ""},
        ),
    ],
)
def test_field_is_saved_as_it_is_meant(
    api: Any, mediator: dict[str, Any], field: str, given: object, saved: object
) -> None:
    channel = api.made("channels", **api.a_channel(mediator, **{field: given}))
    assert channel[field] == saved
    other = api.made("channels", **api.a_channel(mediator, name="b", path_pattern="/b"))
    changed = api.patch(f"channels/{other['id']}/", {field: given})
    assert changed.get_json()[field] == saved


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (PATTERN, "/patients/*/visits"),
        (PATTERN, "/admin/*"),
        (PATTERN, "^/api/proxy/.*"),
        (PATTERN, "^/patients/("),
        (PATTERN, "^" + "(" * 500),
        (PATTERN, "^/patients/(?!private)"),
        (SCHEMA, {"properties": {"a": {"pattern": "(?=b)"}}}),
        (SCHEMA, {"type": "whatever"}),
        (SCHEMA, {"pattern": "("}),
        (SCHEMA, {"$ref": "https://elsewhere.example/schema"}),
        (SCHEMA, {"$ref": "#/$defs/missing"}),
        (SCHEMA, {"$schema": "https://unknown.example/"}),
        (SCHEMA, {"$schema": {}}),
        (SCHEMA, []),
        (SCHEMA, nested(100)),
        ("methods", ["FETCH"]),
        ("methods", [1]),
        ("channel_type", "udp"),
        ("channel_type", []),
        ("channel_type", "tcp"),
        ("channel_type", "https"),
        ("priority", 0),
        ("priority", 2**31),
        ("priority", 1.5),
        ("timeout_s", 0),
        ("timeout_s", 3601),
        ("timeout_s", float("nan")),
        ("total_timeout_s", 0),
        ("total_timeout_s", 86_401),
        ("async_passthrough", "true"),
        ("async_passthrough", None),
        ("response_retention_days", -1),
        ("response_retention_days", 366),
        ("response_retention_days", 0.5),
        ("request_content_type", "json"),
        ("request_content_type", "application/json\n"),
        ("description", "\x00"),
        ("mediator_id", "one"),
        ("is_public", "true"),
        ("allowed_addresses", ["everywhere"]),
        ("match_content_types", ["json"]),
        ("match_body", {"kind": "regex", "expression": "("}),
        ("match_body", {"kind": "perl", "expression": "a"}),
        ("match_body", {"kind": "json"}),
        ("match_body", "regex"),
        ("rewrite_path", "fhir"),
        ("rewrite_expression", "a/b"),
    ],
)
def test_bad_field_is_refused_by_name(
    api: Any, mediator: dict[str, Any], field: str, value: object
) -> None:
    answer = api.post("channels/", api.a_channel(mediator, **{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_rule_for_bodies_is_changed_as_a_whole(api: Any, channel: dict[str, Any]) -> None:
    path = f"channels/{channel['id']}/"
    assert api.patch(path, {"match_body": {"kind": "json"}}).status_code == 422
    rule = {"kind": "json", "expression": "a", "value": "b"}
    assert api.patch(path, {"match_body": rule}).get_json()["match_body"] == rule
    assert api.patch(path, {"match_body": None}).get_json()["match_body"] is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["id"], "properties": {"$ref": {"type": "string"}}},
        {"$defs": {"id": {"type": "integer"}}, "properties": {"id": {"$ref": "#/$defs/id"}}},
        {"$schema": DRAFT, "definitions": {"a": {}}, "items": {"$ref": "#/definitions/a"}},
        None,
    ],
)
def test_schema_that_stands_on_its_own_is_taken(
    api: Any, mediator: dict[str, Any], schema: object
) -> None:
    channel = api.made("channels", **api.a_channel(mediator, request_body_schema=schema))

    assert channel["request_body_schema"] == schema


def test_any_number_of_channels_have_one_pattern_but_each_a_name_of_its_own(
    api: Any, channel: dict[str, Any], mediator: dict[str, Any]
) -> None:
    api.made("channels", **api.a_channel(mediator, name="Other", methods=["POST"]))
    answer = api.post("channels/", api.a_channel(mediator, path_pattern="/other"))

    assert answer.status_code == 409
    assert sorted(answer.get_json()["errors"]) == ["name"]


def test_channel_type_must_fit_the_mediator_after_a_change_too(
    api: Any, channel: dict[str, Any]
) -> None:
    socket = api.a_mediator(urn="urn:mediator:socket", endpoint_url="tcp://10.0.0.1:2575")
    other = api.made("mediators", **socket)
    path = f"channels/{channel['id']}/"

    assert api.patch(path, {"mediator_id": other["id"]}).status_code == 422
    both = {"mediator_id": other["id"], "channel_type": "tcp"}
    assert api.patch(path, both).get_json()["mediator_urn"] == "urn:mediator:socket"


def test_schema_can_be_taken_away(api: Any, mediator: dict[str, Any]) -> None:
    channel = api.made("channels", **api.a_channel(mediator, request_body_schema={"a": 1}))

    changed = api.patch(f"channels/{channel['id']}/", {"request_body_schema": None})

    assert changed.get_json()["request_body_schema"] is None


def match(api: Any, channel: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    answer = api.post(f"channels/{channel['id']}/test-match/", {"method": method, "path": path})
    assert answer.status_code == 200
    trial: dict[str, Any] = answer.get_json()
    return trial


def test_match_says_that_the_channel_wins(api: Any, channel: dict[str, Any]) -> None:
    trial = match(api, channel, "get", "/patients/17?x=1")

    assert (trial["matches"], trial["wins"], trial["why_not"]) == (True, True, None)
    assert trial["answer"] == "forwarded"
    assert trial["winner"]["name"] == channel["name"]


@pytest.mark.parametrize(
    ("method", "path", "why_not", "answer"),
    [
        ("GET", "/visits", "/patients/* does not match /visits", "No active channel for this path"),
        ("GET", "/a%2Fb/../x", "the path has . or .. segments", "No active channel for this path"),
        ("PUT", "/patients/1", "takes GET, HEAD, not PUT", "Method not allowed for this channel"),
        (
            "GET",
            "/api/proxy/clients/",
            "the hub itself answers this path",
            "the hub itself answers this path",
        ),
    ],
)
def test_match_says_why_not(
    api: Any, channel: dict[str, Any], method: str, path: str, why_not: str, answer: str
) -> None:
    api.patch(f"channels/{channel['id']}/", {"methods": ["GET"]})

    trial = match(api, channel, method, path)

    assert (trial["matches"], trial["why_not"]) == (False, why_not)
    assert (trial["answer"], trial["winner"]) == (answer, None)


def test_match_names_the_channel_that_comes_first(
    api: Any, channel: dict[str, Any], mediator: dict[str, Any]
) -> None:
    api.patch(f"channels/{channel['id']}/", {"priority": 2})
    api.made("channels", **api.a_channel(mediator, name="Exact", path_pattern="/patients/17"))

    trial = match(api, channel, "GET", "/patients/17")

    assert (trial["matches"], trial["wins"]) == (True, False)
    assert trial["winner"]["name"] == "Exact"
    assert [one["name"] for one in trial["channels"]] == ["Exact", "Patients"]


def test_match_sees_offline_mediators_and_inactive_channels(
    api: Any, channel: dict[str, Any]
) -> None:
    api.patch(f"mediators/{channel['mediator_id']}/", {"is_online": False})
    offline = match(api, channel, "GET", "/patients/1")
    api.patch(f"channels/{channel['id']}/", {"is_active": False})
    inactive = match(api, channel, "GET", "/patients/1")

    assert offline["why_not"] == "its mediator is offline"
    assert offline["answer"] == "Matched mediator is offline"
    assert inactive["why_not"] == "the channel is not active"
    assert inactive["channels"] == []


def test_a_change_of_another_member_mends_what_no_api_would_store(
    api: Any, channel: dict[str, Any], container: Container
) -> None:
    stored_so = {"channel_type": ChannelType.HTTPS, "methods": "get, POST", "path_pattern": "x/*"}
    with container.database.writing() as session:
        session.execute(
            update(Channel).where(Channel.id == uuid.UUID(channel["id"])).values(stored_so)
        )
    changed = api.patch(f"channels/{channel['id']}/", {"description": "Mended"})
    assert changed.status_code == 200, changed.get_data(as_text=True)
    mended = changed.get_json()
    assert (mended["channel_type"], mended["methods"]) == ("http", ["GET", "POST"])
    assert (mended["path_pattern"], mended["description"]) == ("/x/*", "Mended")


def test_a_channel_with_a_pattern_of_the_hubs_own_cannot_be_opened(
    api: Any, channel: dict[str, Any], container: Container
) -> None:
    with container.database.writing() as session:
        session.execute(
            update(Channel)
            .where(Channel.id == uuid.UUID(channel["id"]))
            .values(path_pattern="/admin/x", is_active=False)
        )
    path = f"channels/{channel['id']}/"
    assert api.patch(path, {"description": "x"}).status_code == 200
    refused = api.patch(path, {"is_active": True})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["path_pattern"])
    opened = api.patch(path, {"is_active": True, "path_pattern": "/x"})
    assert opened.status_code == 200


A_PORT = {"port": 2575}
EVERY_MINUTE = {"schedule": "* * * * *"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"listener": A_PORT, "polling": EVERY_MINUTE}, "polling"),
        ({"listener": {"port": 0}}, "listener"),
        ({"listener": {"port": 2575, "framing": "http"}}, "listener"),
        ({"listener": {"port": 2575, "client_authorities": "x"}}, "listener"),
        ({"listener": {"port": 2575, "tls": True, "client_authorities": "x"}}, "listener"),
        ({"listener": A_PORT, "path_pattern": "/hl7/*"}, "path_pattern"),
        ({"listener": A_PORT, "path_pattern": "^/hl7$"}, "path_pattern"),
        ({"listener": A_PORT, "is_public": False}, "acts_for"),
        ({"polling": {"schedule": "every minute"}}, "polling"),
        ({"polling": {"schedule": "* * * * *", "time_zone": "Dar"}}, "polling"),
        ({"polling": EVERY_MINUTE, "is_public": False}, "acts_for"),
        ({"polling": EVERY_MINUTE, "allowed_addresses": ["10.0.0.0/8"]}, "allowed_addresses"),
        ({"polling": EVERY_MINUTE, "requires_request_body": True}, "requires_request_body"),
    ],
)
def test_port_or_schedule_that_cannot_be_used_is_refused_when_saved(
    api: Any, mediator: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    given = {"path_pattern": "/hl7", "is_public": True, **changes}
    answer = api.post("channels/", api.a_channel(mediator, **given))
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_port_is_one_active_channels(api: Any, mediator: dict[str, Any]) -> None:
    given = {"path_pattern": "/hl7", "is_public": True, "listener": A_PORT}
    first = api.made("channels", **api.a_channel(mediator, **given))
    other = api.a_channel(mediator, **{**given, "name": "Other"})
    refused = api.post("channels/", other)
    assert refused.status_code == 422
    assert "Patients" in refused.get_json()["errors"]["listener"][0]
    api.patch(f"channels/{first['id']}/", {"is_active": False})
    assert api.post("channels/", other).status_code == 201
    again = api.patch(f"channels/{first['id']}/", {"is_active": True})
    assert again.status_code == 422
    assert api.patch(f"channels/{first['id']}/", {"listener": None}).status_code == 200
    assert api.patch(f"channels/{first['id']}/", {"is_active": True}).status_code == 200
