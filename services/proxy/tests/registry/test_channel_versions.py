"""Versions of channels: written with the change, told apart, and gone back to."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import Channel, ChannelVersion
from proxy.registry.channels import update_channel
from proxy.registry.differences import Change, changes
from sqlalchemy import delete, select

BUS = {"name": "bus", "url": "http://127.0.0.1:9"}
SHOWN = {"kind": "bearer", "secret": "a-secret-of-the-bus"}


def versions(api: Any, channel: dict[str, Any]) -> list[dict[str, Any]]:
    """Newest first."""
    found: list[dict[str, Any]] = api.get(f"channels/{channel['id']}/versions/").get_json()["data"]
    return found


def test_each_change_leaves_a_version_with_who_and_what(api: Any, channel: dict[str, Any]) -> None:
    path = f"channels/{channel['id']}/"
    api.patch(path, {"priority": 2, "methods": ["GET"]})
    api.patch(path, {"priority": 2})  # says what is there already
    api.patch(path, {"description": "of the ministry"})
    third, second, first = versions(api, channel)
    assert [one["number"] for one in (first, second, third)] == [1, 2, 3]
    assert (second["actor_kind"], second["actor"]) == ("client", "tester")
    assert second["changes"] == [
        {"field": "methods", "before": [], "after": ["GET"]},
        {"field": "priority", "before": 1, "after": 2},
    ]
    assert [one["field"] for one in third["changes"]] == ["description"]
    assert first["document"]["mediator"] == channel["mediator_urn"]
    newest = api.get(f"{path}versions/", limit=1).get_json()
    assert [one["field"] for one in newest["data"][0]["changes"]] == ["description"]
    older = api.get(f"{path}versions/", limit=1, cursor=newest["next_cursor"]).get_json()
    assert [one["number"] for one in older["data"]] == [2]


def test_rollback_is_a_change_like_any_other(api: Any, channel: dict[str, Any]) -> None:
    path = f"channels/{channel['id']}/"
    api.patch(path, {"path_pattern": "/other/*", "allow": ["lab"], "is_active": False})
    back = api.post(f"{path}versions/1/rollback/")
    assert back.status_code == 200
    shown = api.get(path).get_json()["data"]
    counted = {"updated_at": "", "etag": ""}
    assert {**shown, **counted} == {**channel, **counted}
    newest = versions(api, channel)[0]
    assert (newest["number"], newest["rolled_back_to"]) == (3, 1)
    assert api.post(f"{path}versions/9/rollback/").status_code == 404


def test_secrets_of_routes_come_back_and_are_never_shown(api: Any, channel: dict[str, Any]) -> None:
    path = f"channels/{channel['id']}/"
    api.patch(path, {"routes": [{**BUS, "credentials": SHOWN}]})
    api.patch(path, {"routes": [{**BUS, "wait": True, "credentials": {**SHOWN, "secret": "***"}}]})
    api.patch(path, {"routes": [{**BUS, "credentials": {**SHOWN, "secret": "another"}}]})
    api.patch(path, {"routes": []})
    found = versions(api, channel)
    assert [[one["field"] for one in version["changes"]] for version in found[1:3]] == [
        ["routes[bus].credentials.secret", "routes[bus].wait"],
        ["routes[bus].wait"],
    ]
    assert SHOWN["secret"] not in str(found)
    assert "sealed" not in str(found)
    assert api.post(f"{path}versions/2/rollback/").status_code == 200
    api.patch(path, {"routes": [{**BUS, "credentials": {**SHOWN, "secret": "***"}}]})
    assert len(versions(api, channel)) == 6  # the secret that came back was the same


def test_a_rollback_that_does_not_fit_any_more_changes_nothing(
    api: Any, channel: dict[str, Any]
) -> None:
    path, spare = f"channels/{channel['id']}/", api.a_mediator(urn="urn:spare", name="Spare")
    other = api.made("mediators", **spare)
    api.patch(path, {"mediator_id": other["id"]})
    api.patch(path, {"mediator_id": channel["mediator_id"]})
    assert api.delete(f"mediators/{other['id']}/").status_code == 204
    answer = api.post(f"{path}versions/2/rollback/")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["mediator_id"])
    assert len(versions(api, channel)) == 3


def test_no_version_of_what_is_rolled_back(container: Container, channel: dict[str, Any]) -> None:
    with container.database.writing() as session:
        found = session.scalars(select(Channel)).one()
        savepoint = session.begin_nested()
        update_channel(session, found.id, {"priority": 7})
        savepoint.rollback()
    with container.database.reading() as session:
        assert session.scalars(select(ChannelVersion.number)).all() == [1]


def test_a_channel_older_than_versions_begins_with_what_it_was(
    api: Any, container: Container, channel: dict[str, Any]
) -> None:
    with container.database.writing() as session:
        session.execute(delete(ChannelVersion))
    api.patch(f"channels/{channel['id']}/", {"priority": 9})
    second, first = versions(api, channel)
    assert (first["actor"], first["document"]["priority"]) == ("", 1)
    assert second["changes"] == [{"field": "priority", "before": 1, "after": 9}]


def test_versions_need_a_channel_and_a_scope(
    api: Any, api_with: Callable[[str], Any], channel: dict[str, Any]
) -> None:
    path = f"channels/{channel['id']}/versions/"
    assert api_with("proxy:read").get(path).status_code == 200
    assert api_with("proxy:read").post(f"{path}1/rollback/").status_code == 403
    assert api.get("channels/00000000-0000-0000-0000-000000000000/versions/").status_code == 404
    assert api.get(f"{path}7/").status_code == 404


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({}, {"a": None}, []),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, [Change("a.b", [1], [1, 2])]),
        (
            {"r": [{"name": "x", "u": 1}, {"name": "y"}]},
            {"r": [{"name": "y"}, {"name": "x", "u": 2}]},
            [Change("r[x].u", 1, 2)],
        ),
        ({"r": []}, {"r": [{"name": "x"}]}, [Change("r", [], [{"name": "x"}])]),
        ({"c": {"sealed": "1"}}, {"c": {"sealed": "2"}}, [Change("c.secret", "***", "***")]),
        ({"c": None}, {"c": {"sealed": "2"}}, [Change("c", None, {"secret": "***"})]),
    ],
)
def test_changes_are_told_by_name(
    before: dict[str, Any], after: dict[str, Any], found: list[Change]
) -> None:
    assert changes(before, after) == found
