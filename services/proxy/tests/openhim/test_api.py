"""OpenHIM's addresses as its mediators use them: log-in, registration, heartbeat, configuration."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from flask import Flask
from one_database import on_one_database
from openhim_documents import a_channel, a_mediator
from proxy.access.throttle import MAX_WRONG
from proxy.container import Container
from proxy.models import Client, Mediator
from sqlalchemy import select, update

ACCOUNT = "root@openhim.org"
URN = a_mediator()["urn"]
Account = Any
MakeAccount = Callable[..., Any]


def test_both_log_ins_register_a_mediator(machine: Account, api: Any) -> None:
    headers = machine.log_in()
    first = machine.ask("POST", "mediators", a_mediator(), headers=headers)
    again = machine.ask("POST", "mediators", a_mediator(version="1.1.0", name="Renamed"))

    assert (first.status_code, again.status_code) == (201, 201)
    (made,) = api.get("mediators/").get_json()["data"]
    assert (made["name"], made["version"], made["account"]) == ("Renamed", "1.1.0", ACCOUNT)
    assert made["endpoint_url"] == "http://registry:3000"
    assert [one["param"] for one in made["config_defs"]] == ["url", "code"]


def test_lower_or_equal_version_is_created_and_changes_nothing(machine: Account, api: Any) -> None:
    for version in ["1.0.0", "0.9.0"]:
        machine.ask("POST", "mediators", a_mediator())
        before = api.get("mediators/").get_json()["data"]

        answer = machine.ask("POST", "mediators", a_mediator(version=version, name="Renamed"))

        assert answer.status_code == 201
        assert api.get("mediators/").get_json()["data"] == before


@on_one_database()
def test_registration_that_cannot_be_is_400(machine: Account) -> None:
    for changes in [
        {"endpoints": []},
        {"urn": ""},
        {"urn": "a b"},
        {"name": None},
        {"version": ""},
        {"version": "one"},
        {"config": []},
        {"configDefs": [{"type": "string"}]},
        {"endpoints": [{"host": "x", "port": "many"}]},
        {"endpoints": [{"host": "a/b", "port": 1}]},
    ]:
        assert machine.ask("POST", "mediators", a_mediator(**changes)).status_code == 400


@on_one_database()
def test_body_that_cannot_be_read_is_400(machine: Account) -> None:
    for data in [b"", b"{", b"[]", b"3", b"[" * 99_999, b'{"a": "\\u0000"}']:
        for method, path in (("POST", "mediators"), ("POST", f"mediators/{URN}/heartbeat")):
            answer = machine.client.open(
                f"/api/openhim/{path}",
                method=method,
                data=data,
                auth=(machine.name, machine.secret),
            )
            assert answer.status_code == 400


@on_one_database()
def test_wrong_log_in_by_token_is_401(machine: Account) -> None:
    for changes in [
        {"secret": "wrong"},
        {"moment": "2020-01-01T00:00:00Z"},
        {"moment": "x"},
    ]:
        answer = machine.ask("GET", "mediators", headers=machine.log_in(**changes))

        assert answer.status_code == 401
        assert machine.ask("GET", "mediators", headers=machine.log_in()).status_code == 200


@on_one_database()
def test_time_without_a_zone_is_ours(machine: Account) -> None:
    moment = utc_now().replace(tzinfo=None).isoformat()

    assert machine.ask("GET", "mediators", headers=machine.log_in(moment=moment)).status_code == 200


@on_one_database()
def test_guesses_are_held_up(machine: Account) -> None:
    for _ in range(MAX_WRONG):
        machine.ask("GET", "mediators", headers=machine.log_in(secret="wrong"))

    answer = machine.ask("GET", "mediators", headers=machine.log_in(secret="wrong"))

    assert answer.status_code == 429


def test_only_machine_accounts_have_a_salt(
    make_account: MakeAccount, container: Container, api: Any
) -> None:
    plain = make_account("plain", "proxy:read")
    machine = make_account("machine", "mediator:register")
    assert len(machine.salt()) == 32

    for name in ("plain", "nobody", "%01"):
        assert plain.client.get(f"/api/openhim/authenticate/{name}").status_code == 404
    with container.database.reading() as session:
        row = session.scalars(select(Client).where(Client.client_id == "machine")).one()
        assert machine.salt().encode() not in (row.sealed_log_in or b"")
    api.patch(f"clients/{row.id}/", {"scopes": []})
    assert machine.client.get("/api/openhim/authenticate/machine").status_code == 404


def test_rotation_changes_the_log_in_too(machine: Account, api: Any) -> None:
    (row,) = api.get("clients/").get_json()["data"]
    new = api.post(f"clients/{row['id']}/rotate-secret/").get_json()["client_secret"]

    assert machine.ask("GET", "mediators", headers=machine.log_in()).status_code == 401
    machine.secret = new
    assert machine.ask("GET", "mediators", headers=machine.log_in()).status_code == 200


@on_one_database()
def test_log_in_by_token_opens_no_more_than_a_machine_account(make_account: MakeAccount) -> None:
    both = make_account("both", "mediator:register", "proxy:admin")

    assert both.ask("PUT", f"mediators/{URN}/config", {"a": 1}).status_code == 404
    headers = both.log_in()
    assert both.ask("PUT", f"mediators/{URN}/config", {"a": 1}, headers=headers).status_code == 403


@on_one_database()
def test_address_counts_for_both_log_ins(make_account: MakeAccount) -> None:
    far = make_account("far", "mediator:register", allowed_ips=["192.0.2.1"])

    assert far.ask("GET", "mediators").status_code == 401
    assert far.ask("GET", "mediators", headers=far.log_in()).status_code == 403


@on_one_database()
def test_nobody_and_strangers_do_nothing(app: Flask, make_account: MakeAccount) -> None:
    client = app.test_client()
    assert client.get("/api/openhim/mediators").status_code == 401
    other = make_account("other", "notification:emit")
    assert other.ask("GET", "mediators").status_code == 403
    assert other.ask("POST", "mediators", a_mediator()).status_code == 403


def test_account_speaks_for_its_own_mediators_only(
    machine: Account, make_account: MakeAccount, api: Any
) -> None:
    machine.ask("POST", "mediators", a_mediator())
    other = make_account("other", "mediator:register")

    taken = other.ask("POST", "mediators", a_mediator(version="9.0.0", name="Taken"))

    assert taken.status_code == 403
    assert other.beat().status_code == 403
    assert other.ask("GET", f"mediators/{URN}").status_code == 403
    assert other.ask("GET", "mediators").get_json() == []
    (row,) = api.get("mediators/").get_json()["data"]
    assert row["name"] == "Registry mediator"
    api.patch(f"mediators/{row['id']}/", {"account": "other"})
    assert (other.beat().status_code, machine.beat().status_code) == (200, 403)


def test_heartbeat_brings_the_configuration_once_it_changed_or_is_asked_for(
    machine: Account, installer: Account
) -> None:
    machine.ask("POST", "mediators", a_mediator())
    assert machine.beat().data == b""
    asked = machine.beat(config=True)
    assert asked.get_json() == {"url": "http://there", "code": "hush-hush"}

    changed = installer.ask("PUT", f"mediators/{URN}/config", {"url": "u", "code": "new"})

    assert (changed.status_code, changed.data) == (200, b"")
    assert machine.beat().get_json() == {"url": "u", "code": "new"}
    assert machine.beat().data == b""
    shown = machine.ask("GET", f"mediators/{URN}").get_json()
    assert "new" not in str(shown["config"])


@on_one_database()
def test_heartbeat_without_an_uptime_is_400(machine: Account) -> None:
    for uptime in [None, "3", True, -1, 1e300]:
        machine.ask("POST", "mediators", a_mediator())

        assert machine.beat(uptime=uptime).status_code == 400
        assert machine.ask("POST", "mediators/urn:x/heartbeat", {"uptime": 1}).status_code == 404


def test_hubs_heartbeat_is_open_and_knows_who_is_away(
    machine: Account, container: Container
) -> None:
    machine.ask("POST", "mediators", a_mediator())
    machine.beat()

    found = machine.client.get("/api/openhim/heartbeat").get_json()

    assert found["mediators"] == {URN: 3.5}
    assert abs(found["now"] / 1000 - utc_now().timestamp()) < 60
    with container.database.writing() as session:
        session.execute(update(Mediator).values(last_heartbeat=utc_now() - timedelta(hours=1)))
    assert machine.client.get("/api/openhim/heartbeat").get_json()["mediators"] == {URN: None}


def test_administrator_opens_suggested_channels(
    machine: Account, installer: Account, api: Any
) -> None:
    two = [a_channel(), a_channel(name="Two", urlPattern="^/two$")]
    machine.ask("POST", "mediators", a_mediator(defaultChannelConfig=two))
    path = f"mediators/{URN}/channels"

    assert machine.ask("POST", path).status_code == 403
    assert installer.ask("POST", path, ["?"]).status_code == 400
    assert installer.ask("POST", path, {"a": 1}).status_code == 400
    one = installer.ask("POST", path, ["Two"])
    assert (one.status_code, one.get_json()[0]["opened"]) == (201, True)
    assert installer.ask("POST", path).status_code == 201
    assert {row["name"] for row in api.get("channels/").get_json()["data"]} == {"Registry", "Two"}


def test_mediator_is_deleted_by_an_administrator(
    machine: Account, installer: Account, api: Any
) -> None:
    machine.ask("POST", "mediators", a_mediator())

    assert machine.ask("DELETE", f"mediators/{URN}").status_code == 403
    assert installer.ask("DELETE", f"mediators/{URN}").status_code == 200
    assert api.get("mediators/").get_json()["count"] == 0


def test_account_cannot_make_others_channels_its_own(
    machine: Account, installer: Account, api: Any
) -> None:
    claims = [
        a_mediator(),
        a_mediator(
            urn="urn:mediator:trap",
            endpoints=[
                {"name": "here", "host": "trap", "port": 1, "primary": True},
                {"name": "there", "host": "registry", "port": 3000},
            ],
        ),
    ]
    for claim in claims:
        assert machine.ask("POST", "mediators", claim).status_code == 201
    reserved = a_mediator(urn="urn:openhim:route:registry:3000")
    assert machine.ask("POST", "mediators", reserved).status_code == 400

    assert installer.ask("POST", "channels", a_channel()).status_code == 201

    (channel,) = api.get("channels/").get_json()["data"]
    leads_to = api.get(f"mediators/{channel['mediator_id']}/").get_json()
    assert (leads_to["account"], leads_to["endpoint_url"]) == ("", "http://registry:3000")
    assert machine.ask("GET", "channels").get_json() == []


def test_account_does_not_take_the_hubs_credentials_elsewhere(machine: Account, api: Any) -> None:
    assert machine.ask("POST", "mediators", a_mediator()).status_code == 201
    (made,) = api.get("mediators/").get_json()["data"]
    shown = {"credentials": {"kind": "bearer", "secret": "hush-hush"}}
    assert api.patch(f"mediators/{made['id']}/", shown).status_code == 200
    there = [{"name": "there", "host": "elsewhere", "port": 1, "primary": True}]

    moved = machine.ask("POST", "mediators", a_mediator(version="2.0.0", endpoints=there))
    newer = machine.ask("POST", "mediators", a_mediator(version="2.0.0"))

    assert (moved.status_code, newer.status_code) == (403, 201)
    now = api.get(f"mediators/{made['id']}/").get_json()
    assert (now["endpoint_url"], now["version"]) == ("http://registry:3000", "2.0.0")
