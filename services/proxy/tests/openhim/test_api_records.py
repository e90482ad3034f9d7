"""Channels, clients and everything as one document, in OpenHIM's words."""

from typing import Any

import pytest
from one_database import on_one_database
from openhim_documents import a_channel, a_client, a_mediator, a_route, an_export
from proxy.container import Container
from proxy.models import Client
from raw_mediator import RawMediator
from sqlalchemy import select


def test_channel_is_opened_read_changed_and_closed(installer: Any, api: Any) -> None:
    made = installer.ask("POST", "channels", a_channel())
    assert (made.status_code, made.text) == (201, "Channel successfully created")
    (listed,) = installer.ask("GET", "channels").get_json()
    path = f"channels/{listed['_id']}"
    assert len(listed["_id"]) == 24
    assert (listed["urlPattern"], listed["allow"]) == ("^/registry/.*$", ["lab"])
    assert listed["routes"][0]["host"] == "registry"

    changed = installer.ask("PUT", path, {"methods": ["PUT"], "description": "Other"})

    assert changed.status_code == 200
    (now,) = api.get("channels/").get_json()["data"]
    assert (now["methods"], now["description"], now["allow"]) == (["PUT"], "Other", ["lab"])
    assert installer.ask("GET", path).get_json()["methods"] == ["PUT"]
    assert installer.ask("PUT", path, {"status": "disabled"}).status_code == 200
    assert api.get("channels/").get_json()["data"][0]["is_active"] is False
    assert installer.ask("DELETE", path).status_code == 200
    assert installer.ask("GET", path).status_code == 404


def test_what_is_otherwise_of_a_channel_is_said(installer: Any) -> None:
    answer = installer.ask("POST", "channels", a_channel(alerts=[{}]))

    assert (answer.status_code, "alerts" in answer.text) == (201, True)


@on_one_database()
@pytest.mark.parametrize("document", [a_channel(type="tcp"), a_channel(urlPattern="^(?=x)"), {}])
def test_channel_that_cannot_be_is_400(installer: Any, document: dict[str, Any]) -> None:
    assert installer.ask("POST", "channels", document).status_code == 400
    installer.ask("POST", "channels", a_channel())
    assert installer.ask("POST", "channels", a_channel()).status_code == 400


def test_machine_account_reads_the_channels_of_its_mediators_only(
    machine: Any, installer: Any
) -> None:
    machine.ask("POST", "mediators", a_mediator())
    installer.ask("POST", f"mediators/{a_mediator()['urn']}/channels")
    other = a_channel(name="Other", urlPattern="^/other$", routes=[a_route(host="other")])
    installer.ask("POST", "channels", other)

    (seen,) = machine.ask("GET", "channels").get_json()

    assert seen["name"] == "Registry"
    ids = {one["name"]: one["_id"] for one in installer.ask("GET", "channels").get_json()}
    assert machine.ask("GET", f"channels/{ids['Registry']}").status_code == 200
    assert machine.ask("GET", f"channels/{ids['Other']}").status_code == 403
    for method, path in (
        ("POST", "channels"),
        ("PUT", f"channels/{ids['Registry']}"),
        ("DELETE", f"channels/{ids['Registry']}"),
        ("GET", "clients"),
        ("POST", "clients"),
        ("GET", "metadata"),
        ("POST", "metadata"),
        ("GET", "transactions"),
    ):
        assert machine.ask(method, path, a_channel()).status_code == 403


def test_client_is_made_and_calls(
    installer: Any, served: Any, container: Container, api: Any
) -> None:
    upstream = RawMediator()
    route = a_route(host="127.0.0.1", port=upstream.port)
    installer.ask("POST", "channels", a_channel(routes=[route]))
    assert installer.ask("POST", "clients", a_client("of old")).status_code == 201
    (listed,) = [one for one in installer.ask("GET", "clients").get_json() if one["roles"]]
    assert listed["clientID"] == "lab-system"
    assert "passwordHash" not in listed
    assert served.get("/registry/1", auth=("lab-system", "of old")).status_code == 200

    token = {"customTokenID": "a-token-that-is-long", "password": "in clear, once"}
    assert installer.ask("PUT", f"clients/{listed['_id']}", token).status_code == 200

    assert served.get("/registry/1", auth=("lab-system", "of old")).status_code == 403
    assert served.get("/registry/1", auth=("lab-system", "in clear, once")).status_code == 200
    by_token = {"Authorization": "Custom a-token-that-is-long"}
    assert served.get("/registry/1", headers=by_token).status_code == 200
    upstream.close()
    with container.database.reading() as session:
        rows = session.scalars(select(Client)).all()
        assert "in clear" not in str([[one.secret_hash for one in row.secrets] for row in rows])
    assert installer.ask("DELETE", f"clients/{listed['_id']}").status_code == 200
    assert installer.ask("GET", f"clients/{listed['_id']}").status_code == 404


def test_channel_that_is_sent_back_stays_where_it_leads(installer: Any, api: Any) -> None:
    mediator = api.made("mediators", **api.a_mediator(endpoint_url="http://registry/base"))
    channel = api.made(
        "channels",
        **api.a_channel(mediator, is_public=True, rewrite_path="/x", is_active=True),
    )
    (listed,) = installer.ask("GET", "channels").get_json()
    path = f"channels/{listed['_id']}"

    assert installer.ask("PUT", path, {**listed, "description": "New"}).status_code == 200
    same = {name: channel[name] for name in ("mediator_id", "is_public", "rewrite_path")}
    now = api.get(f"channels/{channel['id']}/").get_json()
    assert {name: now[name] for name in same} == same
    assert now["description"] == "New"

    private = {"authType": "private", "allow": ["lab"]}
    assert installer.ask("PUT", path, private).status_code == 200
    now = api.get(f"channels/{channel['id']}/").get_json()
    assert (now["is_public"], now["allow"], now["mediator_id"]) == (False, ["lab"], mediator["id"])


def test_narrow_scopes_open_what_they_open_elsewhere(
    make_account: Any, installer: Any, api: Any
) -> None:
    of_channels = make_account("of-channels", "proxy:channels")
    of_mediators = make_account("of-mediators", "proxy:mediators")
    both = make_account("of-both", "proxy:channels", "proxy:mediators")
    assert of_mediators.ask("POST", "mediators", a_mediator()).status_code == 201
    suggested = f"mediators/{a_mediator()['urn']}/channels"
    for path, given in (("channels", a_channel()), (suggested, [])):
        assert of_mediators.ask("POST", path, given).status_code == 403
    assert of_channels.ask("POST", suggested).get_json()[0]["opened"] is True
    elsewhere = a_channel(name="Other", urlPattern="^/o$", routes=[a_route(host="other")])
    rejected = of_channels.ask("POST", "channels", elsewhere)
    assert (rejected.status_code, "proxy:mediators" in rejected.text) == (400, True)
    assert both.ask("POST", "channels", elsewhere).status_code == 201
    listed, _ = of_channels.ask("GET", "channels").get_json()
    assert of_mediators.ask("GET", "channels").status_code == 403
    assert of_channels.ask("GET", "mediators").status_code == 403
    assert of_channels.ask("DELETE", f"channels/{listed['_id']}").status_code == 200
    assert of_mediators.beat().status_code == 200


def test_nobody_gets_a_password_for_more_than_they_hold(make_account: Any, api: Any) -> None:
    of_clients = make_account("of-clients", "proxy:clients")
    make_account("strong", "proxy:admin")
    ids = {one["clientID"]: one["_id"] for one in of_clients.ask("GET", "clients").get_json()}

    for change in ({"password": "mine from now on"}, {"customTokenID": "mine-from-now-on-too"}):
        answer = of_clients.ask("PUT", f"clients/{ids['strong']}", change)
        assert (answer.status_code, "do not hold" in answer.text) == (403, True)
        assert of_clients.ask("PUT", f"clients/{ids['of-clients']}", change).status_code == 200
        of_clients.secret = change.get("password", of_clients.secret)


@on_one_database()
def test_id_of_nothing_is_404(installer: Any) -> None:
    for record_id in ["0" * 24, "x", "0" * 23, "%00"]:
        for noun in ("channels", "clients", "transactions"):
            assert installer.ask("GET", f"{noun}/{record_id}").status_code == 404
            assert installer.ask("PUT", f"{noun}/{record_id}", {}).status_code == 404


def test_metadata_is_tried_taken_over_and_given_again(installer: Any, api: Any) -> None:
    document = an_export(Channels=[a_channel(), a_channel(name="Polls", type="polling")])

    tried = installer.ask("POST", "metadata/validate", document)

    assert tried.status_code == 201
    words = {one["uid"]: (one["model"], one["status"]) for one in tried.get_json()}
    assert words["Registry"] == ("Channels", "Valid")
    assert words["Polls"] == ("Channels", "Error")
    assert api.get("channels/").get_json()["count"] == 0
    done = installer.ask("POST", "metadata", document).get_json()
    assert {one["status"] for one in done} == {"Inserted", "Error"}
    again = installer.ask("POST", "metadata/validate", document).get_json()
    assert {one["status"] for one in again} == {"Conflict", "Error"}
    assert "passwordHash" not in str(done)
    given = installer.ask("GET", "metadata")
    (whole,) = given.get_json()
    assert {one["name"] for one in whole["Channels"]} == {"Registry"}
    assert whole["Mediators"][0]["config"] == {"url": "http://there", "code": ""}
    assert not [secret for secret in ("hush-hush", "****", "Hash") if secret in given.text]


def test_what_was_given_out_comes_in_again_and_changes_nothing(
    installer: Any, machine: Any, api: Any
) -> None:
    machine.ask("POST", "mediators", a_mediator())
    whole = installer.ask("GET", "metadata").get_json()

    installer.ask("POST", "metadata", whole)

    assert machine.beat(config=True).get_json() == a_mediator()["config"]


@on_one_database()
def test_metadata_that_is_none_is_400(installer: Any) -> None:
    for body in [{}, [], {"Channels": 3}, [1], "x"]:
        assert installer.ask("POST", "metadata", body).status_code == 400
