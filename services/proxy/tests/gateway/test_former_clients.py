"""Clients that came over call with what they had: a password, or a custom token."""

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from proxy.access.former_hashes import AFTER, sha512_hash
from proxy.access.throttle import MAX_WRONG
from proxy.container import Container
from proxy.gateway.callers import HELD_BACK_S
from proxy.models import Client, ClientSecret
from raw_mediator import RawMediator
from sqlalchemy import select

TOKEN = "a-token-of-the-laboratory"


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def path(api: Any, upstream: RawMediator) -> str:
    """A path that a channel takes from the role `lab` only."""
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    api.made("channels", **api.a_channel(mediator, allow=["lab"]))
    return "/patients/1"


def former_client(container: Container, password: str) -> None:
    digest = hashlib.sha512(f"{password}salt".encode()).hexdigest()
    stored = sha512_hash(AFTER, "salt", digest)
    assert stored is not None
    with container.database.writing() as session:
        client = Client(name="Lab", client_id="lab-1", roles=["lab"], allowed_ips=[], scopes=[])
        client.secrets = [ClientSecret(secret_hash=stored)]
        session.add(client)


def stored_hash(container: Container) -> str:
    with container.database.reading() as session:
        return session.scalars(select(ClientSecret.secret_hash)).one()


@pytest.mark.parametrize("password", ["chosen", "Zq8-4xT7_yB1mN5cV9kL3pR6sW2dF0gHjA"])
def test_password_works_on_and_its_hash_is_replaced_at_the_first_use(
    container: Container, served: Any, path: str, password: str
) -> None:
    former_client(container, password)
    assert served.get(path, auth=("lab-1", "wrong")).status_code == 403
    assert stored_hash(container).startswith(AFTER)

    assert served.get(path, auth=("lab-1", password)).status_code == 200

    deadline = time.monotonic() + 5
    while stored_hash(container).startswith(AFTER) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stored_hash(container).startswith(("scrypt:", "hmac-sha256$"))
    assert served.get(path, auth=("lab-1", password)).status_code == 200
    assert served.get(path, auth=("lab-1", "wrong")).status_code == 403


def test_token_endpoint_replaces_it_as_well(app: Any, container: Container) -> None:
    former_client(container, "chosen")

    form = {"grant_type": "client_credentials"}
    answer = app.test_client().post("/oauth/token", data=form, auth=("lab-1", "chosen"))

    assert answer.status_code == 200
    assert stored_hash(container).startswith("scrypt:")


def test_custom_token_says_who_calls(
    api: Any, container: Container, served: Any, upstream: RawMediator, path: str
) -> None:
    made = api.made("clients", **api.a_client(roles=["lab"], custom_token=TOKEN))
    headers = {"Authorization": f"Custom {TOKEN}"}

    assert served.get(path, headers=headers).status_code == 200
    assert served.get(path, headers={"Authorization": f"cUSTOM  {TOKEN}"}).status_code == 200

    assert b"authorization" not in upstream.received[-1].head.lower()
    assert (made["has_custom_token"], TOKEN in str(made)) == (True, False)
    with container.database.reading() as session:
        client = session.scalars(select(Client)).one()
        assert client.token_digest is not None
        assert TOKEN not in client.token_digest
    api.patch(f"clients/{made['id']}/", {"name": "Renamed"})
    assert served.get(path, headers=headers).status_code == 200
    api.patch(f"clients/{made['id']}/", {"custom_token": None})
    assert served.get(path, headers=headers).status_code == 403


def test_address_and_channel_count_for_custom_tokens(api: Any, served: Any, path: str) -> None:
    other, far = "token-of-another", "token-from-afar"
    api.made("clients", **api.a_client(client_id="a", custom_token=other))
    afar = api.a_client(client_id="b", roles=["lab"], allowed_ips=["192.0.2.1"], custom_token=far)
    api.made("clients", **afar)

    for token, why in ((other, "Client is not allowed"), (far, "Client IP is not allowed")):
        answer = served.get(path, headers={"Authorization": f"Custom {token}"})
        assert answer.status_code == 403
        assert why in answer.json()["detail"]


def test_custom_token_says_who_calls_where_anybody_may(
    api: Any, served: Any, upstream: RawMediator
) -> None:
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    api.made("channels", **api.a_channel(mediator, is_public=True))
    api.made("clients", **api.a_client(custom_token=TOKEN))

    assert served.get("/patients/1").status_code == 200
    assert (
        served.get("/patients/1", headers={"Authorization": f"Custom {TOKEN}"}).status_code == 200
    )
    names = [one.header("X-OpenHIM-ClientID") for one in upstream.received]
    assert names == [[], ["clinic"]]
    wrong = served.get("/patients/1", headers={"Authorization": "Custom another-one"})
    assert wrong.status_code == 403


def test_guesses_of_tokens_are_held_up_and_right_ones_are_not(
    api: Any, container: Container, served: Any, path: str
) -> None:
    api.made("clients", **api.a_client(roles=["lab"], custom_token=TOKEN))
    for number in range(MAX_WRONG):
        wrong = {"Authorization": f"Custom guess-{number}"}
        assert served.get(path, headers=wrong).status_code == 403

    began = time.monotonic()
    assert served.get(path, headers={"Authorization": "Custom guess"}).status_code == 429
    assert time.monotonic() - began >= HELD_BACK_S
    right = {"Authorization": f"Custom {TOKEN}"}
    assert served.get(path, headers=right).status_code == 200


def test_token_belongs_to_one_client(api: Any) -> None:
    api.made("clients", **api.a_client(custom_token=TOKEN))

    again = api.post("clients/", api.a_client(client_id="b", custom_token=TOKEN))

    assert again.status_code == 409
    assert (
        api.post("clients/", api.a_client(client_id="c", custom_token="short")).status_code == 422
    )
