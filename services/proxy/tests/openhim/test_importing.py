"""Exports of OpenHIM move in: again and again, with a word on each record, and no secret in it."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from common.importing.source import SourceError
from flask import Flask
from one_database import on_one_database
from openhim_documents import a_channel, a_client, a_mediator, a_route, a_user, an_export, exports
from proxy.container import Container
from proxy.models import Client, FormerRecord, Mediator
from proxy.openhim.documents import Export
from proxy.openhim.importing import Outcome, import_all
from proxy.openhim.people import DEFAULT_PASSWORD, client_of
from proxy.registry.mediator_secrets import opened
from raw_mediator import RawMediator
from sqlalchemy import select

EXPORTS = exports()
PASSWORD = "chosen long ago"


def imported(container: Container, document: Any, **options: Any) -> Outcome:
    return import_all(container, Export.of(document), **options)


def states(outcome: Outcome) -> dict[str, str]:
    return {one.name: one.outcome for one in outcome.findings}


def here(api: Any) -> dict[str, Any]:
    nouns = ("mediators", "channels", "clients", "staff")
    return {noun: api.get(f"{noun}/", limit=200).get_json()["data"] for noun in nouns}


@on_one_database()
@pytest.mark.parametrize("name", EXPORTS)
def test_each_shape_comes_over_once_with_a_word_on_every_record(
    container: Container, api: Any, name: str
) -> None:
    document = EXPORTS[name]
    held = document[0] if isinstance(document, list) else document
    records = [
        one for kind in ("Mediators", "Channels", "Clients", "Users") for one in held.get(kind, [])
    ]
    before = here(api)

    tried = imported(container, document, is_dry_run=True)
    assert here(api) == before
    first = imported(container, document)
    after = here(api)
    again = imported(container, document)

    assert states(tried) == states(first)
    assert len([one for one in first.findings if one.name != "all of them"]) == len(records)
    assert {one.outcome for one in first.findings} <= {"new", "left out"}
    assert all(one.notes for one in first.findings if one.outcome == "left out")
    assert {one.outcome for one in again.findings} <= {"unchanged", "left out"}
    assert here(api) == after
    said = "\n".join(first.lines())
    assert not [secret for secret in ("hush-hush", "5a17", "p-w-d", "REDACTED") if secret in said]


def test_everything_is_as_it_was_there(container: Container, api: Any) -> None:
    made = api.made("clients", **api.a_client(client_id="hands", scopes=["mediator:register"]))

    outcome = imported(container, an_export(), account=made["client_id"])

    assert set(states(outcome).values()) == {"new"}
    now = here(api)
    (mediator,), (channel,), (member,) = now["mediators"], now["channels"], now["staff"]
    assert channel["mediator_id"] == mediator["id"]
    assert (channel["name"], channel["allow"], channel["is_active"]) == ("Registry", ["lab"], True)
    assert (mediator["account"], mediator["endpoint_url"]) == ("hands", "http://registry:3000")
    assert (member["username"], member["role"]) == ("head@example.org", "admin")
    client = next(one for one in now["clients"] if one["client_id"] == "lab-system")
    assert (client["name"], client["roles"], client["scopes"]) == ("Laboratory", ["lab"], [])


def test_operators_configuration_of_there_survives_and_goes_out(
    container: Container, api: Any
) -> None:
    imported(container, an_export())
    (mediator,) = here(api)["mediators"]
    given = {"name": "n", "urn": mediator["urn"], "version": "2.0.0"}
    api.post("mediators/", {**given, "endpoint_url": "http://r:1", "config": {"url": "its own"}})

    beat = api.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": 1}).get_json()

    assert beat["config_is_new"] is True
    assert beat["config"] == a_mediator()["config"]


def test_what_changed_there_comes_again_and_nothing_here_is_undone(
    container: Container, api: Any
) -> None:
    imported(container, an_export())
    (channel,) = here(api)["channels"]
    api.patch(f"channels/{channel['id']}/", {"description": "Changed here"})
    more = an_export(Clients=[a_client(PASSWORD, name="Renamed"), a_client(clientID="new")])

    outcome = imported(container, more)

    assert states(outcome) == {
        "urn:mediator:registry": "unchanged",
        "Registry": "unchanged",
        "lab-system": "changed",
        "new": "new",
        "head@example.org": "unchanged",
    }
    now = here(api)
    assert now["channels"][0]["description"] == "Changed here"
    assert {one["name"] for one in now["clients"]} == {"Renamed", "Laboratory"}


def test_what_was_here_already_stays(container: Container, api: Any) -> None:
    api.made("clients", **api.a_client(client_id="lab-system", name="Ours"))
    mediator = api.made("mediators", **api.a_mediator(name="Ours", config={"a": 1}))
    api.patch(f"mediators/{mediator['id']}/", {"config": {"a": 2}})
    api.made("channels", **api.a_channel(mediator, name="Registry"))

    outcome = imported(container, an_export(Users=[]))

    assert set(states(outcome).values()) == {"here already"}
    now = here(api)
    assert [one["name"] for one in now["mediators"]] == ["Ours"]
    assert [one["name"] for one in now["clients"]] == ["Ours"]
    assert now["channels"][0]["path_pattern"] == "/patients/*"


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


def test_clients_call_as_they_did(
    container: Container, api: Any, served: Any, upstream: RawMediator
) -> None:
    token = "the-token-of-the-clinic"
    route = a_route(host="127.0.0.1", port=upstream.port)
    document = {
        "Channels": [a_channel(routes=[route])],
        "Clients": [
            a_client(PASSWORD),
            a_client(clientID="clinic", customTokenID=token),
            a_client(clientID="stranger", roles=["other"], customTokenID="another-long-token"),
        ],
    }

    assert set(states(imported(container, document)).values()) == {"new"}

    path = "/registry/patients/3?a=b"
    assert served.get(path, auth=("lab-system", PASSWORD)).status_code == 200
    assert upstream.received[-1].target == path
    assert served.get(path, auth=("lab-system", "wrong")).status_code == 403
    assert served.get(path, headers={"Authorization": f"Custom {token}"}).status_code == 200
    other = {"Authorization": "Custom another-long-token"}
    assert served.get(path, headers=other).status_code == 403
    assert served.get(path).status_code == 401
    deadline = time.monotonic() + 5
    while _is_former(container) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_former(container)


def test_channels_take_and_send_what_they_did(
    container: Container, api: Any, served: Any, upstream: RawMediator
) -> None:
    """Public, rewritten, told apart by what they hold, with the credentials of the route."""
    there = {"host": "127.0.0.1", "port": upstream.port}
    shown = {"username": "hub", "password": "hush-hush"}
    channels = [
        a_channel(
            name="Fixed",
            urlPattern="^/a$",
            routes=[a_route(**there, path="/fixed", **shown)],
            matchContentTypes=["text/xml"],
            matchContentXpath="string(/a/@b)",
            matchContentValue="c",
        ),
        a_channel(name="Open", authType="public", urlPattern="^/a$", priority=3)
        | {"routes": [a_route(**there, pathTransform="s/a/open")], "rewriteUrls": True},
    ]
    outcome = imported(container, {"Channels": channels, "Clients": [a_client(PASSWORD)]})
    assert [(one.outcome, one.notes) for one in outcome.findings] == [("new", [])] * 3

    xml, auth = {"Content-Type": "text/xml"}, ("lab-system", PASSWORD)
    assert served.post("/a", data='<a b="c"/>', headers=xml, auth=auth).status_code == 200
    assert served.post("/a", data='<a b="d"/>', headers=xml).status_code == 200

    targets = [(one.target, one.header("Authorization")) for one in upstream.received]
    basic = base64.b64encode(b"hub:hush-hush").decode()
    assert targets == [("/fixed", [f"Basic {basic}"]), ("/open", [])]
    urns = {one["urn"]: one["credentials"] for one in here(api)["mediators"]}
    place = f"127.0.0.1:{upstream.port}"
    assert urns[f"urn:openhim:route:hub@{place}"]["secret"] == "***"
    assert urns[f"urn:openhim:route:{place}"] is None
    listed = {one["name"]: one for one in here(api)["channels"]}
    assert (listed["Open"]["is_public"], listed["Open"]["rewrite_urls"]) == (True, True)


def test_password_of_a_channel_that_changed_there_comes_with_it(
    container: Container, api: Any
) -> None:
    for priority, password in enumerate(("hush-hush", "p-w-d"), 1):
        route = a_route(username="hub", password=password)
        imported(container, {"Channels": [a_channel(routes=[route], priority=priority)]})

    (mediator,) = here(api)["mediators"]
    with container.database.reading() as session:
        found = session.scalars(select(Mediator)).one()
        assert opened(container.sealer, found)["secret"] == "p-w-d"
    assert mediator["urn"] == "urn:openhim:route:hub@registry:3000"


def test_what_is_taken_away_there_is_taken_away_here(container: Container, api: Any) -> None:
    wide = {"authType": "public", "matchContentRegex": "a+", "timeout": 1000, "rewriteUrls": True}
    imported(container, {"Channels": [a_channel(**wide)]})
    imported(container, {"Channels": [a_channel()]})

    (channel,) = here(api)["channels"]
    assert (channel["is_public"], channel["match_body"]) == (False, None)
    assert (channel["timeout_s"], channel["rewrite_urls"]) == (None, False)


def test_nobody_comes_over_who_may_do_more_than_who_asks(container: Container, api: Any) -> None:
    held = frozenset({"proxy:admin", "proxy:read"})
    head = a_user("a password of before")
    nurse = a_user("another one", groups=["nurses"], email="nurse@example.org")

    outcome = imported(container, {"Users": [head, nurse]}, held=held)

    assert {one.outcome for one in outcome.findings} == {"left out"}
    assert all("do not hold" in one.notes[0] for one in outcome.findings)
    assert here(api)["staff"] == []


def test_routes_lead_where_they_did(
    container: Container, served: Any, upstream: RawMediator
) -> None:
    def leads(pattern: str, methods: list[str], priority: int = 1, **route: Any) -> dict[str, Any]:
        return a_channel(
            name=f"{pattern} {methods} {priority}",
            urlPattern=pattern,
            methods=methods,
            priority=priority,
            authType="public",
            routes=[a_route(host="127.0.0.1", port=str(upstream.port), **route)],
        )

    shown = {"username": "hub", "password": "p-w-d"}
    document = {
        "Channels": [
            leads("^/SHR/fhir.*$", ["GET"], pathTransform="s/SHR\\/fhir/fhir/g"),
            leads("^/f27/.*$", ["POST"], pathTransform="s/f27/api/convert/fhir/g"),
            leads("^/ig.*$", ["GET"], path="/read"),
            leads("^/ig.*$", ["POST"], path="/write", **shown),
            leads("/lis/.*", ["GET"]),
            leads("^/.*$", ["GET"], 9, path="/last"),
            a_channel(
                name="Only XML",
                urlPattern="^/xml$",
                matchContentTypes=["text/xml"],
                whitelist=["192.0.2.1"],
                authType="public",
                routes=[a_route(host="127.0.0.1", port=upstream.port)],
            ),
        ]
    }
    assert set(states(imported(container, document)).values()) == {"new"}

    for method, path, expected in (
        ("GET", "/SHR/fhir/Patient/1?a=b", "/fhir/Patient/1?a=b"),
        ("POST", "/f27/x", "/api/x"),
        ("GET", "/ig/3", "/read"),
        ("POST", "/ig/3", "/write"),
        ("GET", "/far/lis/7", "/far/lis/7"),
        ("GET", "/other", "/last"),
    ):
        assert served.open(method, path).status_code == 200, path
        assert upstream.received[-1].target == expected
        has_credentials = b"authorization: basic" in upstream.received[-1].head.lower()
        assert has_credentials is (expected == "/write")
    assert served.post("/xml", headers={"Content-Type": "text/xml"}, data="<a/>").status_code == 403


def test_secondary_routes_get_the_calls_with_their_own_credentials(
    container: Container, api: Any, served: Any, upstream: RawMediator
) -> None:
    other = RawMediator()
    shown = {"username": "copy", "password": "hush-hush", "path": "/copied"}
    second = a_route(host="127.0.0.1", port=other.port, primary=False, name="Copy", **shown)
    first = a_route(host="127.0.0.1", port=upstream.port)
    waits = {**second, "waitPrimaryResponse": True, "statusCodesCheck": "2**"}
    document = {"Channels": [a_channel(authType="public", routes=[first, waits])]}

    assert set(states(imported(container, document)).values()) == {"new"}
    assert served.get("/registry/1").status_code == 200

    other.close()
    assert [one.target for one in upstream.received] == ["/registry/1"]
    basic = base64.b64encode(b"copy:hush-hush").decode()
    got = [(one.target, one.header("Authorization")) for one in other.received]
    assert got == [("/copied", [f"Basic {basic}"])]
    (route,) = here(api)["channels"][0]["routes"]
    assert (route["status_check"], route["credentials"]["secret"]) == ("2**", "***")


def _is_former(container: Container) -> bool:
    with container.database.reading() as session:
        client = session.scalars(select(Client).where(Client.client_id == "lab-system")).one()
        return client.secrets[0].secret_hash.startswith("sha512")


def test_user_signs_in_with_the_password_of_before(container: Container, browser: Any) -> None:
    imported(container, EXPORTS["passports"])

    assert browser.sign_in("wrong", username="head@example.org").status_code == 403
    answer = browser.sign_in("a password of before", username="head@example.org")

    assert answer.status_code == 303


@on_one_database()
@pytest.mark.parametrize(
    ("user", "said"),
    [
        (a_user(), "set one"),
        (a_user(DEFAULT_PASSWORD), "default password"),
        (a_user("good enough", groups=["nurses"]), "viewer here"),
        (a_user(provider="openid"), "OpenID"),
    ],
)
def test_users_whose_password_must_not_or_cannot_come_over(
    container: Container, browser: Any, user: dict[str, Any], said: str
) -> None:
    outcome = imported(container, {"Users": [user]})

    (finding,) = outcome.findings
    assert any(said in note for note in finding.notes)
    for password in ("", DEFAULT_PASSWORD):
        assert browser.sign_in(password, username="head@example.org").status_code >= 400


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (a_client(customTokenID="test"), "short"),
        (a_client(customTokenID="{{X}}"), "placeholder"),
        (a_client(customTokenID="with a blank in the middle"), "header"),
        (a_client(), "give it a secret"),
        (a_client("x", passwordAlgorithm="md5"), "md5"),
        (a_client("x", passwordHash="zz"), "not known here"),
        (a_client("x", certFingerprint="AA:BB"), "certificate"),
        (a_client("x", ip="10.0.0.1"), "10.0.0.1"),
    ],
)
def test_what_does_not_come_over_of_a_client_is_said(client: dict[str, Any], said: str) -> None:
    assert any(said in note for note in client_of(client).notes)


def test_two_clients_cannot_have_one_token(container: Container, api: Any) -> None:
    token = "one-token-for-two-clients"
    both = [
        a_client(clientID="a", customTokenID=token),
        a_client(clientID="b", customTokenID=token),
    ]

    outcome = imported(container, {"Clients": both})

    assert any("another client's" in note for note in outcome.findings[1].notes)
    assert [one["has_custom_token"] for one in api.get("clients/").get_json()["data"]] == [
        False,
        True,
    ]


@pytest.mark.parametrize("document", [{}, [], [{}, {}], 3, {"Channels": 3}, {"Users": ["x"]}])
def test_what_is_no_export_is_refused(document: Any) -> None:
    with pytest.raises(SourceError):
        Export.of(document)


@on_one_database()
def test_nothing_secret_is_stored_in_clear(container: Container) -> None:
    imported(container, EXPORTS["rewriting"])
    imported(container, EXPORTS["everything"])

    with container.database.reading() as session:
        rows = [
            *session.scalars(select(Mediator)),
            *session.scalars(select(FormerRecord)),
        ]
        stored = str([vars(row) for row in rows])
    assert "p-w-d" not in stored
    assert "hush-hush" not in stored


@on_one_database()
def test_command_reads_a_file_and_says_what_it_did(app: Flask, api: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(args=["import-openhim", *arguments])

    file = tmp_path / "export.json"
    file.write_text(json.dumps(an_export()))
    dry = run(str(file), "--dry-run")
    assert (dry.exit_code, api.get("channels/").get_json()["count"]) == (0, 0)
    assert "nothing was changed" in dry.output
    done = run(str(file))
    assert "channel 'Registry': new" in done.output
    assert api.get("channels/").get_json()["count"] == 1
    file.write_text("{")
    assert "not JSON" in run(str(file)).output
