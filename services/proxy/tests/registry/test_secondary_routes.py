"""Secondary routes of a channel: what may be saved, what is sealed, what they lead to."""

from typing import Any

import pytest
from common.errors import Invalid
from proxy.container import Container
from proxy.gateway.load_table import load_table
from proxy.models import Channel
from proxy.registry.secondary_routes import accepted
from sqlalchemy import select

SECRET = "s3cret-of-a-route"
CREDENTIALS = {"kind": "bearer", "secret": SECRET}
ROUTE = {"name": "archive", "url": "http://archive.example:8080/in"}


def compiled(container: Container) -> Any:
    with container.database.reading() as session:
        table = load_table(session, 0, 7.0, sealer=container.sealer)
    return {name: one.routes for name, one in ((c.name, c) for c in table.channels.values())}


def test_routes_are_saved_sealed_and_compiled(
    api: Any, container: Container, channel: dict[str, Any], mediator: dict[str, Any]
) -> None:
    path = f"channels/{channel['id']}/"
    routes = [
        {**ROUTE, "credentials": CREDENTIALS, "wait": True},
        {"name": "other", "mediator_id": mediator["id"], "is_active": False},
    ]
    saved = api.patch(path, {"routes": routes}).get_json()["routes"]
    assert saved[0]["credentials"] == {"kind": "bearer", "name": "", "secret": "***"}
    assert (saved[1]["mediator_id"], saved[1]["wait"]) == (mediator["id"], False)
    with container.database.reading() as session:
        assert SECRET not in str(session.scalars(select(Channel.routes)).one())
    (route,) = compiled(container)["Patients"]
    assert (route.name, route.wait, route.timeout_s) == ("archive", True, 7.0)
    assert route.credentials == ("Authorization", f"Bearer {SECRET}")
    assert SECRET not in repr(route)


def test_mask_that_comes_back_keeps_the_secret_and_others_changes_do_not_touch_it(
    api: Any, container: Container, channel: dict[str, Any]
) -> None:
    path = f"channels/{channel['id']}/"
    api.patch(path, {"routes": [{**ROUTE, "credentials": CREDENTIALS}]})
    saved = api.get(path).get_json()["routes"]
    assert api.patch(path, {"routes": saved, "priority": 3}).status_code == 200
    assert api.patch(path, {"description": "x"}).status_code == 200
    assert compiled(container)["Patients"][0].credentials[1] == f"Bearer {SECRET}"
    renamed = [{**saved[0], "name": "renamed"}]
    assert api.patch(path, {"routes": renamed}).status_code == 422
    assert api.patch(path, {"routes": []}).get_json()["routes"] == []


@pytest.mark.parametrize(
    "routes",
    [
        [{"name": "a"}],
        [{**ROUTE, "url": "ftp://a"}],
        [{**ROUTE, "url": "tcp://a:1"}],
        [{**ROUTE, "mediator_id": "5b1f2a34-0000-4000-8000-000000000000"}],
        [{"name": "a", "mediator_id": "5b1f2a34-0000-4000-8000-000000000000"}],
        [ROUTE, ROUTE],
        [{**ROUTE, "status_check": "2x"}],
        [{**ROUTE, "rewrite_expression": "s/(/b/"}],
        [{**ROUTE, "rewrite_path": "x"}],
        [{**ROUTE, "credentials": {"kind": "bearer"}}],
        [{**ROUTE, "name": str(number)} for number in range(11)],
        [{"url": "http://a"}],
        {},
    ],
)
def test_route_that_cannot_serve_is_refused(api: Any, channel: dict[str, Any], routes: Any) -> None:
    answer = api.patch(f"channels/{channel['id']}/", {"routes": routes})
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["routes"]


def test_mediator_that_a_route_leads_to_is_not_deleted(api: Any, channel: dict[str, Any]) -> None:
    other = api.made("mediators", **api.a_mediator(urn="urn:mediator:other"))
    routes = [{"name": "a", "mediator_id": other["id"]}]
    api.patch(f"channels/{channel['id']}/", {"routes": routes})
    assert api.delete(f"mediators/{other['id']}/").status_code == 409


def test_form_shows_masks_and_keeps_what_is_behind_them(
    admin: Any, api: Any, container: Container, channel: dict[str, Any]
) -> None:
    api.patch(f"channels/{channel['id']}/", {"routes": [{**ROUTE, "credentials": CREDENTIALS}]})
    path = f"/admin/mediator/channels/{channel['id']}/edit/"
    page = admin.get(path).text
    assert "archive.example" in page
    assert SECRET not in page
    form = {
        "name": "Patients",
        "path_pattern": "/patients/*",
        "mediator_id": channel["mediator_id"],
        "channel_type": "http",
        "priority": "1",
        "response_retention_days": "1",
    }
    masked = (
        '[{"name": "archive", "url": "http://b",'
        ' "credentials": {"kind": "bearer", "secret": "***"}}]'
    )
    assert admin.act(path, **form, routes=masked).status_code == 303
    (route,) = compiled(container)["Patients"]
    assert (route.endpoint.host, route.credentials[1]) == ("b", f"Bearer {SECRET}")
    for wrong in ("{", "{}", '[{"name": "a"}]'):
        assert admin.act(path, **form, routes=wrong).status_code == 422


@pytest.mark.parametrize(
    ("text", "taken", "refused"),
    [("", [200, 404, 500], []), ("2xx, 404", [200, 299, 404], [301, 500]), ("2**", [204], [404])],
)
def test_status_check_accepts(text: str, taken: list[int], refused: list[int]) -> None:
    accepts = accepted(text)
    assert [status for status in (*taken, *refused) if accepts(status)] == taken
    with pytest.raises(Invalid):
        accepted("6xx")
