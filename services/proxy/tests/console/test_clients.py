"""Clients in the console: made, changed, rotated, switched off; a secret is seen once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import ClientSecret
from sqlalchemy import select

LIST = "/admin/mediator/clients/"
NEW = f"{LIST}new/"
GIVEN = {"name": "Clinic", "client_id": "clinic", "allowed_ips": "10.1.0.0/16\r\n\r\n192.0.2.7\r\n"}


def shown_secret(page: str) -> str:
    """The secret on the page that shows it."""
    found = re.search(r'<pre id="client-secret"[^>]*>([^<]+)</pre>', page)
    assert found is not None
    return found.group(1)


def address_of(client: dict[str, Any]) -> str:
    """A client's page."""
    return f"{LIST}{client['id']}/"


@pytest.fixture
def client(api: Any) -> dict[str, Any]:
    """A client."""
    made: dict[str, Any] = api.made("clients", **api.a_client(roles=["lab"]))
    return made


def test_client_is_made_as_typed_and_its_secret_works(admin: Any, api: Any) -> None:
    page = admin.act(NEW, **GIVEN, roles="lab", scopes=["proxy:read", "esb:relay"])

    assert page.status_code == 200
    (client,) = api.get("clients/").get_json()["data"]
    assert client["allowed_ips"] == ["10.1.0.0/16", "192.0.2.7"]
    assert (client["roles"], client["scopes"]) == (["lab"], ["proxy:read", "esb:relay"])
    assert client["is_active"] is True
    grant = {"grant_type": "client_credentials"}
    sent = {"X-Forwarded-For": "192.0.2.7"}
    credentials = ("clinic", shown_secret(page.text))
    token = admin.client.post("/oauth/token", data=grant, auth=credentials, headers=sent)
    assert token.status_code == 200


def test_secret_is_shown_once_and_nothing_else_carries_it(admin: Any) -> None:
    answer = admin.act(NEW, **GIVEN)
    secret = shown_secret(answer.text)

    assert answer.text.count(secret) == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret not in str(answer.headers)
    page = re.search(rf'href="({LIST}[^"]+)"', answer.text.split("It is shown this once")[1])
    assert page is not None
    for path in (LIST, page.group(1), f"{page.group(1)}edit/", f"{LIST}?format=csv"):
        assert secret not in admin.get(path).text


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": " "}, "name", "Must not be blank."),
        ({"client_id": "a:b"}, "client_id", "String does not match"),
        ({"allowed_ips": "10.1.0.0/16\r\nnowhere"}, "allowed_ips", "Must be an IP address"),
        ({"scopes": "root"}, "scopes", "Must be one of"),
    ],
)
def test_what_cannot_be_read_is_shown_at_its_field(
    admin: Any, api: Any, changes: dict[str, str], field: str, reason: str
) -> None:
    page = admin.act(NEW, **{**GIVEN, **changes})

    assert page.status_code == 422
    assert re.search(rf'id="{field}-error">[^<]*{reason}', page.text)
    assert api.get("clients/").get_json()["count"] == 0


def test_taken_client_id_is_shown_at_its_field(admin: Any, client: dict[str, Any]) -> None:
    page = admin.act(NEW, **GIVEN)

    assert page.status_code == 422
    assert 'id="client_id-error">Taken by another record.' in page.text


def test_change_keeps_the_secret_and_what_the_form_does_not_show(
    admin: Any, api: Any, client: dict[str, Any]
) -> None:
    path = f"{address_of(client)}edit/"
    assert ">\nlab</textarea>" in admin.get(path).text

    answer = admin.act(path, **{**GIVEN, "name": "Other"})

    assert (answer.status_code, answer.headers["Location"]) == (303, address_of(client))
    (now,) = api.get("clients/").get_json()["data"]
    assert (now["name"], now["roles"]) == ("Other", [])
    assert (now["secrets"], now["is_active"]) == (client["secrets"], True)


def test_change_that_is_refused_shows_the_form_again(admin: Any, client: dict[str, Any]) -> None:
    page = admin.act(f"{address_of(client)}edit/", **{**GIVEN, "name": "", "client_id": "typed"})

    assert page.status_code == 422
    assert 'value="typed"' in page.text


def test_rotation_shows_a_new_secret_and_keeps_the_other(
    admin: Any, api: Any, client: dict[str, Any]
) -> None:
    secret = shown_secret(admin.act(f"{address_of(client)}rotate-secret/").text)

    assert secret != client["client_secret"]
    assert len(api.get("clients/").get_json()["data"][0]["secrets"]) == 2
    assert secret not in admin.get(address_of(client)).text


def test_rotation_can_drop_every_other_secret(admin: Any, api: Any, client: dict[str, Any]) -> None:
    admin.act(f"{address_of(client)}rotate-secret/", drop_others="true")

    (secret,) = api.get("clients/").get_json()["data"][0]["secrets"]
    assert secret["id"] != client["secrets"][0]["id"]


def test_one_of_two_secrets_can_be_dropped_but_not_the_last(
    admin: Any, api: Any, client: dict[str, Any]
) -> None:
    old = f"{address_of(client)}secrets/{client['secrets'][0]['id']}/drop/"

    assert admin.act(old).status_code == 303
    assert "only secret" in admin.get(address_of(client)).text
    admin.act(f"{address_of(client)}rotate-secret/")
    admin.act(old)

    (secret,) = api.get("clients/").get_json()["data"][0]["secrets"]
    assert secret["id"] != client["secrets"][0]["id"]


def test_client_is_switched_off_and_on(admin: Any, api: Any, client: dict[str, Any]) -> None:
    for act, is_active in (("deactivate", False), ("activate", True)):
        assert admin.act(f"{address_of(client)}{act}/").status_code == 303
        assert api.get(f"clients/{client['id']}/").get_json()["is_active"] is is_active


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_read_and_change_nothing_even_by_a_forged_form(
    signed_in_as: Callable[[str], Any], api: Any, client: dict[str, Any], role: str
) -> None:
    reader = signed_in_as(role)
    page = reader.get(address_of(client)).text
    assert "clinic" in page
    assert "rotate-secret" not in page
    assert reader.get(LIST).status_code == 200
    assert reader.get(NEW).status_code == 403

    acts = ("edit/", "rotate-secret/", "deactivate/", f"secrets/{client['secrets'][0]['id']}/drop/")
    for path in (NEW, *(f"{address_of(client)}{act}" for act in acts)):
        assert reader.act(path, **{**GIVEN, "client_id": "forged"}).status_code == 403

    kept = {name: value for name, value in client.items() if name != "client_secret"}
    assert api.get("clients/").get_json()["data"] == [kept]


def test_form_without_its_token_is_refused(admin: Any, api: Any) -> None:
    assert admin.post(NEW, **GIVEN).status_code == 403
    assert api.get("clients/").get_json()["count"] == 0


def test_filters_leave_what_is_meant(admin: Any, api: Any, client: dict[str, Any]) -> None:
    other = api.made("clients", name="100% Lab", client_id="lab", is_active=False)

    for query in ("name=0%25", "name=LAB", "is_active=false"):
        page = admin.get(f"{LIST}?{query}").text
        assert page.count('<tr id="client-') == 1
        assert f'id="client-{other["id"]}"' in page


def test_empty_list_says_what_to_do(admin: Any) -> None:
    assert "No client yet" in admin.get(LIST).text


def test_a_secret_that_the_client_has_is_taken_and_shown_nowhere(
    admin: Any, container: Container
) -> None:
    secret = "chosen-long-ago-7"
    refused = admin.act(NEW, name="", client_id="clinic", client_secret=secret)
    assert refused.status_code == 422
    assert secret not in refused.text
    made = admin.act(NEW, name="Clinic", client_id="clinic", client_secret=secret)
    assert made.status_code == 303
    page = admin.get(made.headers["Location"]).text
    assert "calls with the secret that you typed" in page
    assert secret not in page
    with container.database.reading() as session:
        hashes = list(session.scalars(select(ClientSecret.secret_hash)))
    assert container.secrets.check("clinic", secret, hashes)


def test_heartbeats_of_mediators_are_typed_as_urns(admin: Any, api: Any) -> None:
    given = {**GIVEN, "scopes": ["proxy:transactions"], "heartbeats": "urn:a\r\nurn:b\r\n"}
    assert admin.act(NEW, **given).status_code == 200
    (client,) = api.get("clients/").get_json()["data"]
    bound = ["mediator:heartbeat:urn:a", "mediator:heartbeat:urn:b"]
    assert client["scopes"] == ["proxy:transactions", *bound]
    assert "urn:a\nurn:b</textarea>" in admin.get(f"{address_of(client)}edit/").text


def test_limits_and_certificates_are_typed_and_shown(admin: Any, api: Any) -> None:
    given = {"max_rate": "2.5", "max_concurrent": "7", "certificates": "CN=clinic, O=Health"}
    assert admin.act(NEW, **GIVEN, **given).status_code == 200
    (client,) = api.get("clients/").get_json()["data"]
    limits = (client["max_rate"], client["max_concurrent"], client["certificates"])
    assert limits == (2.5, 7, ["CN=clinic,O=Health"])
    page = admin.get(f"{address_of(client)}edit/").text
    assert 'value="2.5"' in page
    assert "CN=clinic,O=Health" in admin.get(address_of(client)).text
    blank = {**GIVEN, "max_rate": "", "max_concurrent": ""}
    assert admin.act(f"{address_of(client)}edit/", **blank).status_code == 303
    (client,) = api.get("clients/").get_json()["data"]
    assert (client["max_rate"], client["max_concurrent"]) == (None, None)
