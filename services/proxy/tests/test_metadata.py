"""Everything as one document: out, into another installation, and again without a change."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from one_database import on_one_database
from proxy.container import Container
from proxy.models import AUDIT_TABLES, Base, Mediator, RoutingVersion
from proxy.registry.mediators import config_of
from sqlalchemy import func, insert, select

SECRETS = ("registry-password", "bearer-of-the-lab", "token-of-the-bus", "correct horse battery")


@pytest.fixture
def filled(api: Any) -> dict[str, Any]:
    """An installation with a record of each kind, and its channel."""
    definitions = [{"param": "database", "type": "password"}]
    config = {"url": "http://shr", "database": SECRETS[0], "pool": {"password": SECRETS[0]}}
    shown = {"kind": "bearer", "secret": SECRETS[1]}
    one = api.a_mediator(config=config, config_defs=definitions, credentials=shown)
    mediator = api.made("mediators", **one)
    other = api.made("mediators", **api.a_mediator(urn="urn:bus", name="Bus"))
    routes = [
        {"name": "copy", "mediator_id": other["id"]},
        {
            "name": "bus",
            "url": "http://127.0.0.1:9",
            "credentials": {**shown, "secret": SECRETS[2]},
        },
    ]
    channel = api.made("channels", **api.a_channel(mediator, methods=["GET"], routes=routes))
    api.made("clients", **api.a_client(scopes=["proxy:read"], roles=["lab"], max_rate=5.5))
    api.made("registrations", organization="TRA", api_code="a", allow=None)
    api.made("registrations", organization="tra", api_code="b", channel_id=channel["id"])
    api.made("staff", **api.a_member(role="operator"))
    return channel


def wipe(container: Container) -> None:
    """The same as a second, empty installation."""
    with container.database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        session.execute(insert(RoutingVersion).values(id=1, version=0))


def flask(app: Flask, *arguments: str) -> Result:
    with app.app_context():
        return app.test_cli_runner().invoke(args=arguments)


def exported(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(flask(app, "export").output)
    return found


def events(container: Container) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(AUDIT_TABLES.events)) or 0


@pytest.mark.usefixtures("filled")
def test_an_empty_installation_becomes_the_same(
    app: Flask, api: Any, container: Container, tmp_path: Path
) -> None:
    file = tmp_path / "kiungo.json"
    assert flask(app, "export", "--output", str(file)).exit_code == 0
    text = file.read_text()
    assert not [one for one in SECRETS if one in text]
    assert not [one for one in ("sealed", "hash", '"id"', "mediator_id") if one in text]
    wipe(container)
    tried = flask(app, "apply", str(file), "--dry-run")
    assert (tried.exit_code, api.get("channels/").get_json()["count"]) == (0, 0)
    done = flask(app, "apply", str(file))
    assert done.exit_code == 0, done.output
    assert tried.output.splitlines()[1:] == done.output.splitlines()
    assert done.output.startswith("7 new, 0 changed, 0 unchanged, 0 only here, 0 error")
    for note in ("nobody knows its secret", "has no password", "its credentials need a secret"):
        assert note in done.output
    before = events(container)
    again = flask(app, "apply", str(file))
    assert again.output.startswith("0 new, 0 changed, 7 unchanged, 0 only here, 0 error")
    assert events(container) == before
    # What needs a secret comes without credentials; all else is the same.
    wanted = json.loads(text)
    wanted["mediators"][1]["credentials"] = wanted["channels"][0]["routes"][1]["credentials"] = None
    assert exported(app) == wanted


@pytest.mark.usefixtures("filled")
@on_one_database()
def test_secrets_here_stay_and_differences_are_told(
    app: Flask, container: Container, tmp_path: Path
) -> None:
    document = exported(app)
    document["channels"][0] |= {"priority": 4, "rewrite_path": "/fhir"}
    document["channels"][0]["routes"][1]["wait"] = True
    document["mediators"][1]["config"]["url"] = "http://new"
    document["clients"] = []
    del document["staff"]
    file = tmp_path / "kiungo.json"
    file.write_text(json.dumps(document))
    done = flask(app, "apply", str(file))
    assert done.output.splitlines() == [
        "0 new, 2 changed, 3 unchanged, 1 only here, 0 error",
        "mediators 'urn:mediator:registry': changed",
        '    config.url: "http://shr" → "http://new"',
        "channels 'Patients': changed",
        "    priority: 1 → 4",
        '    rewrite_path: "" → "/fhir"',
        "    routes[bus].wait: false → true",
        "clients 'clinic': only here",
    ]
    with container.database.reading() as session:
        wanted = select(Mediator).where(Mediator.urn == "urn:mediator:registry")
        config = config_of(container.sealer, session.scalars(wanted).one())
    assert config == {"url": "http://new", "database": SECRETS[0], "pool": {"password": SECRETS[0]}}
    assert exported(app)["channels"][0]["routes"][1]["credentials"] == {
        "kind": "bearer",
        "name": "",
    }


@pytest.mark.usefixtures("filled")
@on_one_database()
def test_one_record_that_does_not_fit_leaves_all_as_it_was(
    app: Flask, api: Any, tmp_path: Path
) -> None:
    before = exported(app)
    document = copy.deepcopy(before)
    document["channels"][0]["priority"] = 9
    wrong = {**document["channels"][0], "name": "Wrong"}
    document["channels"] += [
        {**wrong, "path_pattern": "^("},
        {**wrong, "name": "Lost", "mediator": "urn:nobody"},
        {**wrong, "name": "Odd", "odd": 1},
        document["channels"][0],
    ]
    file = tmp_path / "kiungo.json"
    file.write_text(json.dumps(document))
    done = flask(app, "apply", str(file))
    assert done.exit_code == 1
    for line in (
        "! channels 'Lost': error: there is no mediator urn:nobody",
        "! channels 'Odd': error: odd: not known here",
        "! channels 'Patients': error: stands there twice",
        "! channels 'Wrong': error: ",
    ):
        assert line in done.output
    assert exported(app) == before
    answer = api.post("metadata/", document)
    assert (answer.status_code, "channels[Lost]" in answer.get_json()["errors"]) == (422, True)


@pytest.mark.usefixtures("filled")
@on_one_database()
def test_the_api_does_the_same(app: Flask, api: Any) -> None:
    document = api.get("metadata/").get_json()
    assert document == exported(app)
    document["channels"][0]["priority"] = 9
    tried = api.ask("POST", "metadata/", document, query_string={"dry_run": "true"}).get_json()
    assert (tried["applied"], tried["count"]) == (False, 7)
    assert api.get("channels/").get_json()["data"][0]["priority"] == 1
    done = api.post("metadata/", document).get_json()
    (changed,) = [one for one in done["data"] if one["outcome"] == "changed"]
    assert (done["applied"], changed["name"]) == (True, "Patients")
    assert changed["changes"] == [{"field": "priority", "before": 1, "after": 9}]
    assert api.get("channels/").get_json()["data"][0]["priority"] == 9


@pytest.mark.usefixtures("filled")
@on_one_database()
def test_nobody_applies_more_than_they_hold(api: Any, api_with: Any) -> None:
    document = api.get("metadata/").get_json()
    document["clients"][0]["scopes"] = ["esb:crypto"]
    document["staff"].append({"username": "asha", "role": "admin"})
    assert api_with("proxy:channels").get("metadata/").status_code == 403
    refused = api_with("proxy:admin proxy:read").post("metadata/", document)
    assert sorted(refused.get_json()["errors"]) == ["clients[clinic]", "staff[asha]"]
    assert api.post("metadata/", document).status_code == 200


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"kiungo_metadata": 2}, {"kiungo_metadata": 1, "odd": []},
     {"kiungo_metadata": 1, "channels": [1]}, {"kiungo_metadata": 1, "channels": {}}],
)  # fmt: skip
@on_one_database()
def test_what_is_no_export_is_said(api: Any, document: Any) -> None:
    assert api.ask("POST", "metadata/", document).status_code in {400, 415, 422}


@pytest.mark.usefixtures("filled")
@on_one_database()
def test_a_higher_version_here_stays(api: Any) -> None:
    document = api.get("metadata/").get_json()
    found = api.get("mediators/").get_json()["data"]
    (mediator,) = [one for one in found if one["urn"] == "urn:mediator:registry"]
    api.patch(f"mediators/{mediator['id']}/", {"version": "2.0.0", "config_defs": []})
    done = api.post("metadata/", document).get_json()
    (one,) = [one for one in done["data"] if one["notes"]]
    assert (one["outcome"], "version 2.0.0" in one["notes"][0]) == ("unchanged", True)
