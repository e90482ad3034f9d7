"""What nginx is told of the credentials of an API call: 204, or 401 with words for the caller."""

import asyncio
import base64
from typing import Any

import jwt
import pytest
from common.http.server_messages import Reply, Request
from proxy.access.introspection import MAX_PUBLIC_BYTES, Introspection
from proxy.container import Container
from proxy.gateway.call import read_call


@pytest.fixture
def clinic(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.made("clients", **api.a_client())
    return made


@pytest.fixture
def ask(served: Any, container: Container, run: Any, clinic: dict[str, Any]) -> Any:
    gateway = served.gateway
    asked = Introspection(gateway.routing, container.signer, gateway.admission.callers.authenticate)

    async def answer(headers: dict[str, str]) -> Reply:
        request = Request(asyncio.get_running_loop(), "127.0.0.1", lambda _full: None)
        request.method, request.target, request.headers = "GET", "/", headers
        return await asked.answer(read_call(request, container.settings.trusted_proxies))

    def ask(**headers: str) -> Reply:
        gateway.routing.refresh()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answered: Reply = run(answer(named))
        return answered

    return ask


@pytest.fixture
def token(container: Container) -> str:
    return container.signer.sign("clinic", 900, scope="proxy:read")


@pytest.fixture
def change(api: Any, clinic: dict[str, Any]) -> Any:
    def change(**fields: Any) -> None:
        assert api.ask("PATCH", f"clients/{clinic['id']}/", fields).status_code == 200

    return change


def said(answer: Reply) -> tuple[int, str]:
    assert answer.status == 401
    headers = dict(answer.headers)
    return int(headers["X-Kiungo-Rejection-Status"]), headers["X-Kiungo-Rejection"]


def test_token_of_a_client_that_stands_is_good(ask: Any, change: Any, token: str) -> None:
    change(scopes=["proxy:read", "proxy:admin"])
    answer = ask(Authorization=f"Bearer {token}")
    assert (answer.status, answer.headers) == (204, [])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"is_active": False}, 401),
        ({"scopes": []}, 403),
        ({"allowed_ips": ["203.0.113.9"]}, 403),
    ],
)
def test_token_ends_with_what_its_client_may(
    ask: Any, change: Any, token: str, fields: dict[str, Any], status: int
) -> None:
    change(scopes=["proxy:read"])
    assert ask(Authorization=f"Bearer {token}").status == 204
    change(**fields)
    assert said(ask(Authorization=f"Bearer {token}"))[0] == status


def test_token_for_a_part_of_a_bundle_is_good(ask: Any, change: Any, container: Container) -> None:
    change(scopes=["proxy:admin"])
    part = container.signer.sign("clinic", 900, scope="proxy:channels")
    assert ask(Authorization=f"Bearer {part}").status == 204
    change(scopes=["proxy:read"])
    assert said(ask(Authorization=f"Bearer {part}"))[0] == 403


def test_token_is_not_its_successors(ask: Any, container: Container, change: Any) -> None:
    change(scopes=["proxy:read"])
    before = jwt.decode(
        container.signer.sign("clinic", 900, scope="proxy:read"),
        options={"verify_signature": False},
    )
    early = container.signer.sign("clinic", 900, scope="proxy:read", iat=before["iat"] - 60)
    assert said(ask(Authorization=f"Bearer {early}"))[0] == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_what_is_no_token_is_rejected(ask: Any, token: str) -> None:
    assert said(ask(Authorization=f"Bearer {token}"))[0] == 401


def test_id_and_secret_are_exchanged_for_a_token(
    ask: Any, change: Any, clinic: dict[str, Any], container: Container
) -> None:
    change(scopes=["notification:emit"])
    basic = base64.b64encode(f"clinic:{clinic['client_secret']}".encode()).decode()
    named = {"X_Client_Id": "clinic", "X_Client_Secret": clinic["client_secret"]}
    answers = [ask(**named), ask(Authorization=f"Basic {basic}")]
    tokens = {dict(answer.headers)["X-Kiungo-Token"] for answer in answers}
    assert len(tokens) == 1, "one is enough for a while"
    claims = jwt.decode(tokens.pop(), options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("clinic", "notification:emit")
    change(scopes=["notification:read"])
    claims = jwt.decode(
        dict(ask(**named).headers)["X-Kiungo-Token"], options={"verify_signature": False}
    )
    assert claims["scope"] == "notification:read"


def test_wrong_secret_is_rejected(ask: Any) -> None:
    assert said(ask(X_Client_Id="clinic", X_Client_Secret="wrong"))[0] == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 204), ("0", 204), (str(MAX_PUBLIC_BYTES), 204), (str(MAX_PUBLIC_BYTES + 1), 401)],
)
def test_who_has_no_credentials_may_send_little(ask: Any, body: str, status: int) -> None:
    assert ask(X_Kiungo_Body=body).status == status


@pytest.mark.parametrize("body", ["chunked", "12chunked", "-1", "²"])
def test_body_of_no_stated_length_needs_credentials(ask: Any, body: str) -> None:
    assert said(ask(X_Kiungo_Body=body)) == (401, "Authentication required")


def test_custom_token_becomes_no_token_for_the_apis(ask: Any, change: Any) -> None:
    change(scopes=["proxy:read"], custom_token="a-token-of-the-clinic")
    answer = ask(Authorization="Custom a-token-of-the-clinic")
    assert (answer.status, answer.headers) == (204, [])
