"""Access tokens (RFC 6749 §4.4), their keys, health and the hub's front page."""

import base64
from pathlib import Path
from typing import Any

import jwt
import pytest
from common.web.tokens import AUDIENCE, public_keys
from flask import Flask
from proxy.app import create_app
from proxy.config import Settings
from proxy.models import Base

FORM = {"grant_type": "client_credentials"}


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture
def client(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.made(
        "clients", **api.a_client(scopes=["proxy:read", "esb:relay"], allowed_ips=["127.0.0.1"])
    )
    return made


def ask(app: Flask, form: Any, **options: Any) -> Any:
    return app.test_client().post("/oauth/token", data=form, **options)


def test_token_carries_the_clients_scopes_and_opens_the_api(
    app: Flask, client: dict[str, Any]
) -> None:
    answer = ask(app, FORM, headers=basic("clinic", client["client_secret"]))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    grant = answer.get_json()
    assert (grant["token_type"], grant["scope"]) == ("Bearer", "proxy:read esb:relay")
    authorization = {"Authorization": f"Bearer {grant['access_token']}"}
    assert app.test_client().get("/api/proxy/clients/", headers=authorization).status_code == 200


def test_token_is_verified_by_the_published_keys(app: Flask, client: dict[str, Any]) -> None:
    form = {**FORM, "client_id": "clinic", "client_secret": client["client_secret"]}
    token = ask(app, {**form, "scope": "esb:relay"}).get_json()["access_token"]
    published = app.test_client().get("/.well-known/jwks.json")
    key = public_keys(published.get_json())[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE)

    assert (claims["sub"], claims["scope"]) == ("clinic", "esb:relay")
    assert all("d" not in one for one in published.get_json()["keys"])


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**FORM, "scope": "proxy:admin"}, 400, "invalid_scope"),
        ({**FORM, "scope": "x\x00"}, 400, "invalid_scope"),
        ({**FORM, "client_secret": "once more"}, 400, "invalid_request"),
        ({**FORM, "client_id": "other"}, 400, "invalid_request"),
        ({"grant_type": ["client_credentials"] * 2}, 400, "invalid_request"),
        ({**FORM, "scope": ["proxy:read"] * 2}, 400, "invalid_request"),
    ],
)
def test_bad_request_is_told_in_the_words_of_the_rfc(
    app: Flask, client: dict[str, Any], form: Any, status: int, error: str
) -> None:
    answer = ask(app, form, headers=basic("clinic", client["client_secret"]))

    assert answer.status_code == status
    assert answer.get_json()["error"] == error
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("clinic", "wrong"),
        basic("nobody", "wrong"),
        basic("", ""),
        basic("clinic\x00", "x"),
        basic("clinic", "x" * 5000),
        {"Authorization": "Basic %"},
        {"Authorization": "Bearer x"},
    ],
)
def test_unknown_credentials_are_401_invalid_client(
    app: Flask, client: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = ask(app, FORM, headers=headers)

    assert answer.status_code == 401
    assert answer.get_json()["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_inactive_client_gets_no_token(app: Flask, api: Any, client: dict[str, Any]) -> None:
    api.patch(f"clients/{client['id']}/", {"is_active": False})

    assert ask(app, FORM, headers=basic("clinic", client["client_secret"])).status_code == 401


def test_client_gets_no_token_from_elsewhere(app: Flask, client: dict[str, Any]) -> None:
    answer = ask(
        app,
        FORM,
        headers=basic("clinic", client["client_secret"]),
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")


def test_both_secrets_of_a_rotation_fetch_tokens(
    app: Flask, api: Any, client: dict[str, Any]
) -> None:
    issued = api.post(f"clients/{client['id']}/rotate-secret/").get_json()

    for secret in (client["client_secret"], issued["client_secret"]):
        assert ask(app, FORM, headers=basic("clinic", secret)).status_code == 200
    api.delete(f"clients/{client['id']}/secrets/{issued['secrets'][0]['id']}/")
    assert ask(app, FORM, headers=basic("clinic", client["client_secret"])).status_code == 401


def test_health_without_asking_says_so(app: Flask) -> None:
    health = app.test_client().get("/health/").get_json()

    assert health["ok"] is True
    assert health["services"]["database"] == {"ok": True, "checked": False}
    assert health["timestamp"].endswith("Z")


def test_health_asks_the_parts_when_told_to(tmp_path: Path) -> None:
    well = create_app(Settings(var_dir=tmp_path, check_dependencies=True))
    Base.metadata.create_all(well.extensions["proxy"].database.engine)
    ill = create_app(
        Settings(
            var_dir=tmp_path,
            check_dependencies=True,
            database_url_override="postgresql://nobody@127.0.0.1:9/none",
            rabbitmq_url="amqp://127.0.0.1:9/",
        )
    )

    answer = well.test_client().get("/health")
    assert answer.status_code == 200
    assert {one["checked"] for one in answer.get_json()["services"].values()} == {True}
    answer = ill.test_client().get("/health")
    assert answer.status_code == 503
    assert [one["ok"] for one in answer.get_json()["services"].values()] == [False, False]


def test_front_page_and_icon(app: Flask) -> None:
    browser = app.test_client()

    assert browser.get("/").get_json()["addresses"]["token"] == "/oauth/token"
    assert browser.get("/favicon.ico").headers["Location"].startswith("/admin/static/")
