"""Mediators over the API: registration by version, heartbeats, endpoints."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import Mediator
from proxy.registry.mediators import is_online
from proxy.registry.routing_version import current_version
from sqlalchemy import select, update

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "age_s", "expected"),
    [
        (True, None, True),
        (False, None, False),
        (True, 0, True),
        (True, 60, True),
        (True, 60.001, False),
        (False, 0, False),
    ],
)
def test_online_follows_flag_and_last_heartbeat(
    given: bool, age_s: float | None, expected: bool
) -> None:
    last = None if age_s is None else NOW - timedelta(seconds=age_s)

    assert is_online(given, last, NOW, 60) is expected


def test_new_urn_is_created_and_a_known_one_updated(api: Any) -> None:
    first = api.post("mediators/", api.a_mediator(config={"a": [1, None]}))
    again = api.post("mediators/", api.a_mediator(version="1.10.0", name="Renamed"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["Location"] == again.headers["Location"]
    stored = api.get(f"mediators/{first.get_json()['id']}/").get_json()
    assert (stored["version"], stored["name"]) == ("1.10.0", "Renamed")
    assert stored["config"] == {"a": [1, None]}


@pytest.mark.parametrize(
    ("version", "status"),
    [("1.2.0", 200), ("1.2.0+build.7", 200), ("1.1.9", 409), ("1.2.0-rc.1", 409), ("2.0.0-a", 200)],
)
def test_only_an_equal_or_higher_version_updates(
    api: Any, mediator: dict[str, Any], version: str, status: int
) -> None:
    answer = api.post("mediators/", api.a_mediator(version=version, name="Renamed"))

    assert answer.status_code == status
    renamed = api.get(f"mediators/{mediator['id']}/").get_json()["name"] == "Renamed"
    assert renamed is (status == 200)


def test_registration_leaves_a_mediator_that_was_switched_off_off(
    api: Any, mediator: dict[str, Any]
) -> None:
    api.patch(f"mediators/{mediator['id']}/", {"is_online": False})

    assert api.post("mediators/", api.a_mediator()).get_json()["is_online"] is False


def test_heartbeat_keeps_a_mediator_online_without_recompiling_routes(
    api: Any, container: Container, mediator: dict[str, Any]
) -> None:
    with container.database.reading() as session:
        before = current_version(session)

    beat = api.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": 12.5}).get_json()

    assert beat["uptime"] == 12.5
    assert beat["is_online"] is True
    assert beat["updated_at"] == mediator["updated_at"]
    with container.database.reading() as session:
        assert current_version(session) == before


def test_mediator_whose_heartbeats_stopped_is_offline(
    api: Any, container: Container, mediator: dict[str, Any]
) -> None:
    with container.database.writing() as session:
        session.execute(update(Mediator).values(last_heartbeat=NOW - timedelta(days=1)))

    assert api.get(f"mediators/{mediator['id']}/").get_json()["is_online"] is False


@pytest.mark.parametrize("body", [None, {}, {"uptime": None}])
def test_heartbeat_needs_no_uptime(api: Any, mediator: dict[str, Any], body: object) -> None:
    assert api.post(f"mediators/{mediator['urn']}/heartbeat/", body).status_code == 200


@pytest.mark.parametrize("uptime", [-1, 1e300, float("inf"), "long", True])
def test_bad_uptime_is_refused(api: Any, mediator: dict[str, Any], uptime: object) -> None:
    answer = api.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": uptime})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:80",
        "http://",
        "http://user:secret@host",
        "http://host:99999",
        "http://host:0",
        "http://[::1",
        "http://a b",
        "http://host/?q=1",
        "http://host/#part",
        "http://hôte",
        "tcp://host",
        "tcp://host:1/path",
    ],
)
def test_unusable_endpoint_is_refused_by_name(api: Any, url: str) -> None:
    answer = api.post("mediators/", api.a_mediator(endpoint_url=url))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["endpoint_url"]
    assert "secret" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "url", ["http://host", "https://host:8443/base/", "tcp://10.0.0.1:2575", "http://[::1]:80"]
)
def test_usable_endpoint_is_taken(api: Any, url: str) -> None:
    assert api.post("mediators/", api.a_mediator(endpoint_url=url)).status_code == 201


@pytest.mark.parametrize("version", ["01.2.3", "1.2.3-", "v1.2.3", "1.2.3\n"])
def test_version_must_be_semantic(api: Any, version: str) -> None:
    assert api.post("mediators/", api.a_mediator(version=version)).status_code == 422


def test_endpoint_must_keep_fitting_the_channels(api: Any, channel: dict[str, Any]) -> None:
    path = f"mediators/{channel['mediator_id']}/"

    answer = api.patch(path, {"endpoint_url": "tcp://host:2575"})

    assert answer.status_code == 409
    assert channel["name"] in answer.get_json()["detail"]
    assert api.patch(path, {"endpoint_url": "https://host"}).status_code == 200


def test_mediator_with_channels_cannot_be_deleted(api: Any, channel: dict[str, Any]) -> None:
    path = f"mediators/{channel['mediator_id']}/"

    assert api.delete(path).status_code == 409
    assert api.delete(f"channels/{channel['id']}/").status_code == 204
    assert api.delete(path).status_code == 204


def test_urn_stays(api: Any, mediator: dict[str, Any]) -> None:
    assert api.patch(f"mediators/{mediator['id']}/", {"urn": "urn:other"}).status_code == 422


def test_operator_may_go_back_to_a_lower_version(api: Any, mediator: dict[str, Any]) -> None:
    answer = api.patch(f"mediators/{mediator['id']}/", {"version": "1.0.0"})

    assert answer.get_json()["version"] == "1.0.0"


def test_channel_goes_to_a_mediator_that_exists(api: Any, mediator: dict[str, Any]) -> None:
    nowhere = {"id": "00000000-0000-0000-0000-000000000000"}

    answer = api.post("channels/", api.a_channel(nowhere))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["mediator_id"]


DEFS = [
    {"param": "url", "type": "string"},
    {"param": "code", "type": "password"},
    {"param": "limit", "type": "number"},
]


def beat(api: Any, mediator: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": 1})
    found: dict[str, Any] = answer.get_json()
    return found


def test_password_of_the_configuration_is_told_to_the_mediator_only(
    api: Any, container: Container
) -> None:
    made = api.made(
        "mediators", **api.a_mediator(config_defs=DEFS, config={"url": "u", "code": "hush-hush"})
    )

    assert "hush-hush" not in str(api.get(f"mediators/{made['id']}/").get_json())
    assert "hush-hush" not in str(api.get("mediators/").get_json())
    with container.database.reading() as session:
        row = session.scalars(select(Mediator)).one()
        assert "hush-hush" not in str(row.config)
        assert b"hush-hush" not in (row.sealed_config or b"")
    assert beat(api, made)["config"] == {"url": "u", "code": "hush-hush"}


def test_changed_configuration_is_new_with_one_heartbeat(api: Any) -> None:
    made = api.made("mediators", **api.a_mediator(config_defs=DEFS, config={"code": "one"}))
    assert beat(api, made)["config_is_new"] is False
    masked = api.get(f"mediators/{made['id']}/").get_json()["config"]

    api.patch(f"mediators/{made['id']}/", {"config": {**masked, "limit": 3}})

    first, second = beat(api, made), beat(api, made)
    assert (first["config_is_new"], second["config_is_new"]) == (True, False)
    assert first["config"] == {"code": "one", "limit": 3}
    api.patch(f"mediators/{made['id']}/", {"config": first["config"], "name": "Same"})
    assert beat(api, made)["config_is_new"] is False


def test_what_an_operator_set_survives_a_registration(api: Any) -> None:
    given = api.a_mediator(config_defs=DEFS, config={"url": "u", "code": "theirs"})
    made = api.made("mediators", **given)
    api.post("mediators/", {**given, "config": {"url": "v", "code": "theirs"}})
    assert beat(api, made)["config"]["url"] == "v"
    api.patch(f"mediators/{made['id']}/", {"config": {"url": "ours", "code": "ours too"}})

    api.post("mediators/", {**given, "version": "2.0.0", "config": {"url": "w", "limit": 5}})

    assert beat(api, made)["config"] == {"url": "ours", "code": "ours too", "limit": 5}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("config_defs", [{"type": "string"}]),
        ("endpoints", [{"host": 3}]),
        ("default_channels", ["x"]),
        ("default_channels", {}),
    ],
)
def test_what_a_mediator_says_of_itself_has_names(api: Any, field: str, value: object) -> None:
    answer = api.post("mediators/", api.a_mediator(**{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
