"""What each scope opens, what it does not, and that nobody hands on what they do not hold."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy.access.scopes import SCOPES, excess

ApiWith = Callable[[str], Any]
BEAT = "mediator:heartbeat:"


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        ("proxy:admin", "proxy:clients proxy:staff proxy:transactions:rerun", ""),
        ("proxy:admin", "proxy:read", "proxy:read"),
        ("proxy:read", "proxy:transactions proxy:transactions:bodies", ""),
        ("proxy:read", "proxy:clients", "proxy:clients"),
        ("proxy:transactions", "proxy:transactions:bodies", "proxy:transactions:bodies"),
        ("proxy:clients", "esb:relay proxy:admin", "esb:relay proxy:admin"),
        ("proxy:mediators", f"{BEAT}urn:a", ""),
        ("proxy:admin", f"{BEAT}urn:a", ""),
        (f"{BEAT}urn:a", f"{BEAT}urn:a", ""),
        (f"{BEAT}urn:a", f"{BEAT}urn:b", f"{BEAT}urn:b"),
        ("", "", ""),
    ],
)
def test_bundles_hold_what_they_held(held: str, wanted: str, missing: str) -> None:
    assert excess(wanted.split(), held.split()) == missing.split()


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("proxy:clients", {"clients"}),
        ("proxy:channels", {"channels", "registrations"}),
        ("proxy:mediators", {"mediators"}),
        ("proxy:staff", {"staff"}),
        ("proxy:transactions", {"transactions", "rejections", "metrics"}),
        ("proxy:transactions:bodies", set()),
        ("proxy:transactions:rerun", set()),
        (f"{BEAT}urn:mediator:registry", set()),
    ],
)
def test_scope_opens_its_own_lists_only(api_with: ApiWith, scope: str, opens: set[str]) -> None:
    holder = api_with(scope)
    lists = ("clients", "channels", "registrations", "mediators", "staff")
    for noun in (*lists, "transactions", "rejections", "metrics"):
        assert holder.get(f"{noun}/").status_code == (200 if noun in opens else 403), noun
    for noun in lists:
        assert holder.post(f"{noun}/", {}).status_code == (422 if noun in opens else 403), noun


def test_heartbeat_is_of_the_mediator_that_the_token_names(
    api_with: ApiWith, api: Any, mediator: dict[str, Any]
) -> None:
    other = api.made("mediators", **api.a_mediator(urn="urn:mediator:other", name="Other"))
    own = api_with(f"{BEAT}{mediator['urn']}")

    assert own.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": 5}).status_code == 200
    assert own.post(f"mediators/{other['urn']}/heartbeat/", {"uptime": 5}).status_code == 403
    assert own.get("mediators/").status_code == 403


def test_bodies_of_a_call_want_a_right_of_their_own(
    api_with: ApiWith, api: Any, record: Callable[..., str]
) -> None:
    call = record(request_body="patient 17", response_body='{"name":"Asha"}')
    seen = {
        scope: api_with(scope).get(f"transactions/{call}/").get_json()
        for scope in (
            "proxy:read",
            "proxy:transactions",
            "proxy:transactions proxy:transactions:bodies",
        )
    }
    shown = {scope: (one["request_body"], one["response_body"]) for scope, one in seen.items()}
    assert shown.pop("proxy:transactions") == (None, None)
    assert set(shown.values()) == {("patient 17", '{"name":"Asha"}')}
    assert api.get(f"transactions/{call}/").get_json()["request_body"] == "patient 17"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"scopes": []}, 201),
        ({"scopes": ["proxy:clients"]}, 201),
        ({"scopes": ["proxy:clients", "esb:relay"]}, 403),
        ({"scopes": ["proxy:admin"]}, 403),
        ({"scopes": [f"{BEAT}urn:x"]}, 403),
        ({"scopes": [f"{BEAT}not a urn"]}, 422),
        ({"scopes": [BEAT]}, 422),
    ],
)
def test_client_gets_no_more_than_its_maker_holds(
    api_with: ApiWith, given: dict[str, Any], status: int
) -> None:
    maker = api_with("proxy:clients")
    answer = maker.post("clients/", maker.a_client(**given))
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "do not hold" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("POST", "rotate-secret/", {}, 403),
        ("PATCH", "", {"allowed_ips": []}, 403),
        ("PATCH", "", {"client_id": "other"}, 403),
        ("PATCH", "", {"is_active": True}, 403),
        ("PATCH", "", {"scopes": ["esb:relay", "proxy:read"]}, 403),
        ("PATCH", "", {"scopes": ["esb:relay"], "allowed_ips": []}, 403),
        ("PATCH", "", {"scopes": []}, 200),
        ("PATCH", "", {"is_active": False}, 200),
        ("DELETE", "", None, 204),
    ],
)
def test_client_that_holds_more_is_only_taken_from(
    api_with: ApiWith, api: Any, method: str, path: str, given: Any, status: int
) -> None:
    made = api.made("clients", **api.a_client(scopes=["esb:relay", "proxy:clients"]))
    answer = api_with("proxy:clients").ask(method, f"clients/{made['id']}/{path}", given)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("held", "role", "status"),
    [
        ("proxy:staff", "viewer", 403),
        ("proxy:staff proxy:read notification:read policy:read policy:report", "viewer", 201),
        ("proxy:staff proxy:read notification:read policy:read policy:report", "operator", 403),
        ("proxy:admin proxy:read", "admin", 403),
        (" ".join(SCOPES), "admin", 201),
    ],
)
def test_member_gets_no_more_than_their_maker_holds(
    api_with: ApiWith, held: str, role: str, status: int
) -> None:
    maker = api_with(held)
    assert maker.post("staff/", maker.a_member(role=role)).status_code == status


def test_password_of_an_administrator_is_not_set_by_whoever_holds_less(
    api_with: ApiWith, api: Any
) -> None:
    admin = api.made("staff", **api.a_member(role="admin"))
    other = api_with("proxy:staff proxy:read notification:read policy:read policy:report")

    password = {"password": "a quite different one 17"}
    assert other.patch(f"staff/{admin['id']}/", password).status_code == 403
    assert other.patch(f"staff/{admin['id']}/", {"role": "viewer"}).status_code == 403
    assert api.patch(f"staff/{admin['id']}/", password).status_code == 200


def test_token_may_ask_for_a_part_of_a_bundle(api: Any, container: Any) -> None:
    made = api.made("clients", **api.a_client(scopes=["proxy:admin"]))
    fetch = api.client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "scope": "proxy:channels"},
        auth=(made["client_id"], made["client_secret"]),
    )
    assert fetch.get_json()["scope"] == "proxy:channels"
