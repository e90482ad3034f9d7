"""Channels of OpenHIM in our words: what comes over, what is otherwise, what cannot be."""

from typing import Any

import pytest
from common.importing.report import LeftOut
from openhim_documents import a_channel, a_route
from proxy.openhim.channel_members import MEMBERS
from proxy.openhim.channels import NOT_YET, pattern_here, translated
from proxy.registry.patterns import compile_pattern
from proxy.schemas.channels import ChannelIn

ALL: frozenset[str] = frozenset()


def test_plain_channel_comes_over_whole() -> None:
    found = translated(a_channel(timeout=1500))

    assert found.notes == []
    assert found.target.url == "http://registry:3000"
    unused = ("is_public", "allowed_addresses", "match_body", "match_content_types", "rewrite_path")
    unused += ("rewrite_expression", "rewrite_urls", "forward_authorization", "always_async")
    unused += ("routes", "listener", "polling", "retry_period_s")
    assert not any(found.fields.pop(name) for name in unused)
    assert found.fields == {
        "name": "Registry",
        "description": "Patients of the registry",
        "path_pattern": "^/registry/.*$",
        "methods": ["GET", "POST"],
        "priority": 2,
        "is_active": True,
        "store_request_body": True,
        "store_response_body": True,
        "timeout_s": 1.5,
        "allow": ["lab"],
        "retry_max_attempts": 5,
    }


@pytest.mark.parametrize(
    ("changes", "ours", "value"),
    [
        ({"authType": "public"}, "is_public", True),
        ({"whitelist": ["10.0.0.1"]}, "allowed_addresses", ["10.0.0.1"]),
        ({"routes": [a_route(path="/x")]}, "rewrite_path", "/x"),
        ({"routes": [a_route(pathTransform="s/a/b/g")]}, "rewrite_expression", "s/a/b/g"),
        ({"routes": [a_route(path="/x", pathTransform="s/a/b")]}, "rewrite_path", "/x"),
        ({"matchContentTypes": ["text/xml"]}, "match_content_types", ["text/xml"]),
        (
            {"matchContentRegex": "a+"},
            "match_body",
            {"kind": "regex", "expression": "a+", "value": ""},
        ),
        (
            {"matchContentJson": "a.b", "matchContentValue": "1"},
            "match_body",
            {"kind": "json", "expression": "a.b", "value": "1"},
        ),
        ({"rewriteUrls": True}, "rewrite_urls", True),
        ({"routes": [a_route(forwardAuthHeader=True)]}, "forward_authorization", True),
    ],
)
def test_what_channels_do_not_have_yet_is_named_and_set_once_they_do(
    changes: dict[str, Any], ours: str, value: object
) -> None:
    member = next(one for one in MEMBERS if one.ours == ours)

    now, then = (
        translated(a_channel(**changes), NOT_YET | {ours}),
        translated(a_channel(**changes), ALL),
    )

    assert (ours in now.fields, then.fields[ours]) == (False, value)
    assert any(note.startswith(member.theirs) for note in now.lacks)
    assert now.fields["is_active"] is not member.narrows
    assert then.lacks == []


@pytest.mark.parametrize(
    ("period", "most", "expected"),
    [(5, 3, (300, 3)), (None, None, (3600, 100)), (600_000_000, 500, (2_592_000, 100))],
)
def test_retries_come_over_within_our_bounds(
    period: int | None, most: int | None, expected: tuple[int, int]
) -> None:
    wanted = {"autoRetryPeriodMinutes": period, "autoRetryMaxAttempts": most}

    found = translated(a_channel(autoRetryEnabled=True, **wanted)).fields

    assert (found["retry_period_s"], found["retry_max_attempts"]) == expected


def test_table_says_of_no_field_that_it_is_missing_which_channels_have() -> None:
    assert NOT_YET.isdisjoint(ChannelIn().fields)
    assert {one.ours for one in MEMBERS} <= NOT_YET | set(ChannelIn().fields)


def test_secondary_routes_and_routes_that_are_off() -> None:
    routes = [
        a_route(name="off", host="off", status="disabled", primary=True),
        a_route(name="second", host="second", primary=False, pathTransform="s/a/b"),
        a_route(name="first", host="first", secured=True, port="8443"),
    ]

    found = translated(a_channel(routes=routes), ALL)

    assert found.target.url == "https://first:8443"
    assert [one["url"] for one in found.fields["routes"]] == ["http://second:3000"]


def test_credentials_of_a_route_come_over_and_are_shown_nowhere() -> None:
    found = translated(a_channel(routes=[a_route(username="u", password="hush-hush")]))

    assert found.target.credentials == {"kind": "basic", "name": "u", "secret": "hush-hush"}
    assert found.notes == []
    assert "hush-hush" not in repr(found)

    without = translated(a_channel(routes=[a_route(username="u")]))
    assert without.target.credentials is None
    assert any("no password" in one for one in without.differs)


@pytest.mark.parametrize(
    ("route", "asked_for"),
    [({}, "/"), ({"path": "/hl7"}, "/hl7"), ({"pathTransform": "s/^.*$/api\\/hl7/"}, "/api/hl7")],
)
@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_listener_comes_over(kind: str, route: dict[str, Any], asked_for: str) -> None:
    document = a_channel(
        type=kind, tcpHost="0.0.0.0", tcpPort="6000", urlPattern="_tcp", allow=[], methods=[]
    )
    found = translated({**document, "routes": [a_route(**route)]})

    assert found.fields["listener"] == {
        "port": 6000,
        "framing": "mllp-as-it-is",
        "tls": kind == "tls",
    }
    assert (found.fields["path_pattern"], found.fields["methods"]) == ("/listeners/6000", ["POST"])
    assert (found.fields["rewrite_path"], found.fields["rewrite_expression"]) == (asked_for, "")
    assert (found.fields["is_public"], found.fields["is_active"]) == (True, True)
    assert any("port 6000" in one for one in found.differs)


def test_route_over_tcp_comes_over() -> None:
    found = translated(a_channel(routes=[a_route(type="mllp", port=2575)]))

    assert (found.target.url, found.fields["channel_type"]) == ("tcp://registry:2575", "tcp")


@pytest.mark.parametrize(
    ("said", "schedule"),
    [
        ("*/10 * * * *", "*/10 * * * *"),
        ("*/10 * * * * *", "*/10 * * * * *"),
        ("5 minutes", "*/5 * * * *"),
        ("one minute", "*/1 * * * *"),
        ("30 seconds", "*/30 * * * * *"),
        ("2 hours", "0 */2 * * *"),
        ("1 day", "0 0 * * *"),
    ],
)
def test_polling_channel_comes_over(said: str, schedule: str) -> None:
    found = translated(a_channel(type="polling", pollingSchedule=said, whitelist=["10.0.0.1"]))

    assert found.fields["polling"] == {"schedule": schedule, "time_zone": "UTC"}
    assert (found.fields["path_pattern"], found.fields["methods"]) == ("/trigger", ["GET"])
    assert (found.fields["is_public"], found.fields["allowed_addresses"]) == (True, [])
    assert any("UTC" in one for one in found.differs)
    assert any("whitelist" in one for one in found.differs)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": "tcp"}, "port"),
        ({"type": "tcp", "tcpPort": "many"}, "port"),
        ({"type": "tls", "tcpPort": 1, "routes": [a_route(pathTransform="s")]}, "path"),
        ({"type": "polling"}, "schedule"),
        ({"type": "polling", "pollingSchedule": "7 minutes"}, "cron"),
        ({"type": "odd"}, "odd"),
        ({"status": "deleted"}, "deleted"),
        ({"routes": []}, "no route"),
        ({"routes": [a_route(status="disabled")]}, "no route"),
        ({"routes": [a_route(type="kafka")]}, "kafka"),
        ({"routes": [a_route(type="mllp", port="")]}, "port"),
        ({"routes": [a_route(type="tcp", secured=True)]}, "TLS"),
        ({"routes": [a_route(port="many")]}, "port"),
        ({"routes": [a_route(host="")]}, "host"),
        ({"urlPattern": None}, "urlPattern"),
        ({"methods": ["TRACE"]}, "methods"),
    ],
)
def test_what_cannot_come_over_says_why(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(LeftOut, match=why):
        translated(a_channel(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"allow": []}, "allows nobody"),
        ({"methods": ["GET", "TRACE"]}, "TRACE"),
        ({"priority": None}, "priority"),
        ({"urlPattern": "/lab"}, "/lab"),
        ({"autoRetryEnabled": True}, "retries"),
        ({"alerts": [{}]}, "alerts"),
        ({"txViewAcl": ["x"]}, "txViewAcl"),
        ({"rewriteUrls": True, "rewriteUrlsConfig": [{}]}, "rewriteUrlsConfig"),
    ],
)
def test_what_is_otherwise_is_said(changes: dict[str, Any], said: str) -> None:
    assert any(said in note for note in translated(a_channel(**changes)).notes)


def test_channel_that_allows_nobody_or_is_disabled_takes_no_calls() -> None:
    assert translated(a_channel(allow=[])).fields["is_active"] is False
    assert translated(a_channel(status="disabled")).fields["is_active"] is False


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("^/a/.*$", "/a/b", True),
        ("^/a$", "/a/b", False),
        ("/lis/.*", "/x/lis/1", True),
        ("/lis/.*", "/lis", False),
        ("^/a|/b$", "/x/b", True),
        ("^/a|/b$", "/b/x", False),
        ("$", "/anything", True),
        (r"\/fhir\/ips", "/fhir/ips/3", True),
    ],
)
def test_patterns_match_as_they_did(pattern: str, path: str, matches: bool) -> None:
    assert compile_pattern(pattern_here(pattern)).matches(path) is matches
