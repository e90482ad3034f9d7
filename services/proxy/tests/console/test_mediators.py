"""Mediators in the console: registered, changed, switched off."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from proxy.models import Mediator
from sqlalchemy import update

LIST = "/admin/mediator/mediators/"
NEW = f"{LIST}new/"
GIVEN = {
    "name": "Registry",
    "urn": "urn:mediator:registry",
    "version": "1.2.0",
    "endpoint_url": "https://registry.example/fhir",
    "config": '{"pages": 3}',
}


def test_mediator_is_registered_as_typed(admin: Any, api: Any) -> None:
    answer = admin.act(NEW, **GIVEN)

    (mediator,) = api.get("mediators/").get_json()["data"]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{LIST}{mediator['id']}/")
    assert {name: mediator[name] for name in GIVEN} == {**GIVEN, "config": {"pages": 3}}
    assert mediator["is_online"] is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"urn": "a b"}, "urn"),
        ({"version": "one"}, "version"),
        ({"endpoint_url": "ftp://x"}, "endpoint_url"),
        ({"config": "[]"}, "config"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field(
    admin: Any, api: Any, changes: dict[str, str], field: str
) -> None:
    page = admin.act(NEW, **{**GIVEN, **changes})

    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert api.get("mediators/").get_json()["count"] == 0


@pytest.mark.parametrize("version", ["1.0.0", "9.0.0"])
def test_new_mediator_does_not_change_one_with_the_same_urn(
    admin: Any, api: Any, mediator: dict[str, Any], version: str
) -> None:
    page = admin.act(NEW, **{**GIVEN, "version": version})

    assert page.status_code == 422
    assert 'id="urn-error"' in page.text
    assert api.get("mediators/").get_json()["data"] == [mediator]


def test_mediator_is_changed_to_a_lower_version_as_well(
    admin: Any, api: Any, mediator: dict[str, Any]
) -> None:
    path = f"{LIST}{mediator['id']}/edit/"
    assert 'name="urn"' not in admin.get(path).text

    answer = admin.act(path, **{**GIVEN, "version": "1.0.0", "urn": "urn:other", "config": ""})

    assert answer.status_code == 303
    (now,) = api.get("mediators/").get_json()["data"]
    assert (now["version"], now["urn"], now["config"]) == ("1.0.0", mediator["urn"], {})


def test_endpoint_that_a_channel_cannot_use_is_refused_at_its_field(
    admin: Any, channel: dict[str, Any]
) -> None:
    path = f"{LIST}{channel['mediator_id']}/edit/"

    page = admin.act(path, **{**GIVEN, "endpoint_url": "tcp://127.0.0.1:9"})

    assert page.status_code == 422
    assert 'id="endpoint_url-error">Channel Patients:' in page.text


def test_mediator_is_switched_off_and_on(admin: Any, mediator: dict[str, Any]) -> None:
    path = f"{LIST}{mediator['id']}/"
    for act, state in (("deactivate", ">switched off<"), ("activate", ">unknown<")):
        assert admin.act(f"{path}{act}/").status_code == 303
        assert state in admin.get(path).text
        assert state in admin.get(LIST).text


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_read_and_change_nothing_even_by_a_forged_form(
    signed_in_as: Callable[[str], Any], api: Any, mediator: dict[str, Any], role: str
) -> None:
    reader = signed_in_as(role)
    assert mediator["urn"] in reader.get(f"{LIST}{mediator['id']}/").text
    assert reader.get(NEW).status_code == 403

    for path in ("new/", f"{mediator['id']}/edit/", f"{mediator['id']}/deactivate/"):
        assert reader.act(f"{LIST}{path}", **{**GIVEN, "urn": "urn:x"}).status_code == 403

    assert api.get("mediators/").get_json()["data"] == [mediator]


def test_page_of_a_mediator_leads_to_its_calls(
    admin: Any, mediator: dict[str, Any], channel: dict[str, Any], record: Any
) -> None:
    meant = record(0, channel_name=channel["name"])
    record(1, channel_name="Other")

    page = admin.get(f"{LIST}{mediator['id']}/").text
    (link,) = re.findall(r'href="(/admin/mediator/transactions/\?[^"]+)"', page)

    assert re.findall(r'<tr id="call-([^"]+)"', admin.get(link).text) == [meant]


def test_form_without_its_token_is_refused(admin: Any, api: Any) -> None:
    assert admin.post(NEW, **GIVEN).status_code == 403
    assert api.get("mediators/").get_json()["count"] == 0


def test_list_finds_by_urn_and_says_what_to_do_when_empty(admin: Any, api: Any) -> None:
    assert "No mediator yet" in admin.get(LIST).text
    made = api.made("mediators", **api.a_mediator())
    assert f'id="mediator-{made["id"]}"' in admin.get(f"{LIST}?name=REGISTRY").text
    assert 'id="mediator-' not in admin.get(f"{LIST}?name=lab").text
    assert made["urn"] in admin.get(f"{LIST}?format=csv").text


@pytest.mark.parametrize(("seconds", "is_open"), [(60, True), (-1, False)])
def test_open_circuit_is_shown(
    admin: Any, container: Any, mediator: dict[str, Any], seconds: int, is_open: bool
) -> None:
    until = utc_now() + timedelta(seconds=seconds)
    with container.database.writing() as session:
        session.execute(update(Mediator).values(circuit_open_until=until))
    for path in (LIST, f"{LIST}{mediator['id']}/"):
        assert ("circuit open" in admin.get(path).text) is is_open


DEFS = [
    {"param": "name", "displayName": "Name of it", "type": "string"},
    {"param": "limit", "type": "number"},
    {"param": "on", "type": "bool"},
    {"param": "tool", "type": "option", "values": ["one", "two"]},
    {"param": "hosts", "type": "string", "array": True},
    {"param": "map", "type": "map"},
    {
        "param": "fhir",
        "type": "struct",
        "template": [{"param": "url", "type": "string"}, {"param": "password", "type": "password"}],
    },
    {
        "param": "targets",
        "type": "struct",
        "array": True,
        "template": [{"param": "name", "type": "string"}, {"param": "code", "type": "password"}],
    },
]
CONFIG = {
    "name": "x",
    "fhir": {"url": "u", "password": "hush-hush"},
    "targets": [{"name": "a", "code": "of-a"}, {"name": "b", "code": "of-b"}],
    "other": 7,
}


def configured(admin: Any, api: Any, **changes: str) -> tuple[Any, dict[str, Any]]:
    """The answer to the form of DEFS, as it stood and with changes, and what the mediator gets."""
    made = api.made("mediators", **api.a_mediator(config_defs=DEFS, config=CONFIG))
    path = f"{LIST}{made['id']}/config/"
    page = admin.get(path).text
    assert "hush-hush" not in page
    assert "********" not in page
    seen = page.split('name="revision" value="')[1].split('"')[0]
    shown = {
        "config.name": "x",
        "config.fhir.url": "u",
        "config.targets.0.name": "a",
        "config.targets.1.name": "b",
    }
    answer = admin.act(path, **{"revision": seen, **shown, **changes})
    beat = api.post(f"mediators/{made['urn']}/heartbeat/", {"uptime": 1}).get_json()
    return answer, beat["config"]


def test_configuration_form_changes_what_was_typed_and_keeps_passwords(
    admin: Any, api: Any
) -> None:
    answer, now = configured(
        admin,
        api,
        **{
            "config.limit": "2.5",
            "config.on": "true",
            "config.tool": "two",
            "config.hosts": "a\r\n b ",
            "config.map": '{"k": 1}',
            "config.targets.0.name": "",
            "config.targets.2.name": "c",
            "config.targets.2.code": "of-c",
        },
    )

    assert answer.status_code == 303
    assert now == {
        **CONFIG,
        "limit": 2.5,
        "on": True,
        "tool": "two",
        "hosts": ["a", "b"],
        "map": {"k": 1},
        "targets": [{"name": "b", "code": "of-b"}, {"name": "c", "code": "of-c"}],
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"config.limit": "many"}, "config.limit"),
        ({"config.limit": "inf"}, "config.limit"),
        ({"config.tool": "three"}, "config.tool"),
        ({"config.map": "{"}, "config.map"),
        ({"config.name": "\x00"}, "config.name"),
    ],
)
def test_wrong_configuration_is_shown_at_its_field(
    admin: Any, api: Any, changes: dict[str, str], field: str
) -> None:
    answer, now = configured(admin, api, **changes)

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert now == CONFIG


def test_configuration_that_was_changed_meanwhile_is_not_saved(admin: Any, api: Any) -> None:
    answer, now = configured(admin, api, revision="99")

    assert answer.status_code == 409
    assert now == CONFIG
