"""Clients over the API: secrets are shown once, rotated without an outage, never answered again."""

from typing import Any

import pytest
from proxy.access.secrets import matches_hash
from proxy.container import Container
from proxy.models import Client, ClientSecret
from proxy.registry.routing_version import current_version
from sqlalchemy import select


def hashes_of(container: Container, client_id: str = "clinic") -> list[str]:
    with container.database.reading() as session:
        client = session.scalars(select(Client).where(Client.client_id == client_id)).one()
        return [secret.secret_hash for secret in client.secrets]


def test_creation_shows_a_secret_that_no_later_answer_holds(api: Any, container: Container) -> None:
    made = api.made("clients", **api.a_client())
    secret = made.pop("client_secret")

    assert matches_hash(secret, hashes_of(container))
    read = api.get(f"clients/{made['id']}/")
    assert read.get_json()["data"] == made
    assert secret not in read.get_data(as_text=True)
    assert not any(hash_ in read.get_data(as_text=True) for hash_ in hashes_of(container))


def test_creation_answers_where_the_client_can_be_found(api: Any) -> None:
    answer = api.post("clients/", api.a_client())

    assert answer.headers["Location"] == f"/api/proxy/clients/{answer.get_json()['id']}/"


def test_second_client_with_the_same_id_is_a_conflict_that_names_the_field(api: Any) -> None:
    api.made("clients", **api.a_client())

    answer = api.post("clients/", api.a_client(name="Other"))

    assert answer.status_code == 409
    assert answer.get_json()["errors"] == {"client_id": ["Taken by another record."]}


@pytest.mark.parametrize("given", [["::ffff:127.0.0.1"], ["127.0.0.1", "::FFFF:7f00:1"]])
def test_ipv4_within_ipv6_is_saved_as_ipv4(api: Any, given: list[str]) -> None:
    made = api.made("clients", **api.a_client(allowed_ips=given))
    assert made["allowed_ips"] == ["127.0.0.1"]
    changed = api.patch(f"clients/{made['id']}/", {"allowed_ips": ["::ffff:10.0.0.0/104"]})
    assert changed.get_json()["allowed_ips"] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_id", "with space"),
        ("client_id", "with:colon"),
        ("client_id", ""),
        ("client_id", "x" * 256),
        ("name", "two\nlines"),
        ("name", "nul\x00"),
        ("name", "\ud800"),
        ("allowed_ips", ["10.0.0.300"]),
        ("allowed_ips", ["10.0.0.0/33"]),
        ("allowed_ips", ["10.0.0.1"] * 101),
        ("roles", "clinic"),
        ("roles", [{}]),
        ("scopes", ["proxy:everything"]),
        ("is_active", "perhaps"),
        ("secret_hash", "x"),
    ],
)
def test_bad_field_is_refused_by_name(api: Any, field: str, value: object) -> None:
    answer = api.post("clients/", api.a_client(**{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_patch_changes_only_what_it_names(api: Any) -> None:
    made = api.made("clients", **api.a_client(roles=["lab", "lab"], allowed_ips=["10.0.0.0/8"]))
    assert made["roles"] == ["lab"]

    changed = api.patch(f"clients/{made['id']}/", {"is_active": False}).get_json()

    assert changed["is_active"] is False
    assert changed["allowed_ips"] == ["10.0.0.0/8"]
    assert changed["updated_at"] > made["updated_at"]


def test_rotation_keeps_the_secret_before_alive_and_drops_the_one_before_that(
    api: Any, container: Container
) -> None:
    made = api.made("clients", **api.a_client())
    second = api.post(f"clients/{made['id']}/rotate-secret/").get_json()
    assert matches_hash(made["client_secret"], hashes_of(container))
    third = api.post(f"clients/{made['id']}/rotate-secret/", {}).get_json()

    assert len(third["secrets"]) == 2
    assert not matches_hash(made["client_secret"], hashes_of(container))
    assert matches_hash(second["client_secret"], hashes_of(container))
    assert matches_hash(third["client_secret"], hashes_of(container))


def test_rotation_can_drop_all_others_at_once(api: Any, container: Container) -> None:
    made = api.made("clients", **api.a_client())

    issued = api.post(f"clients/{made['id']}/rotate-secret/", {"drop_others": True}).get_json()

    assert len(issued["secrets"]) == 1
    assert not matches_hash(made["client_secret"], hashes_of(container))
    assert matches_hash(issued["client_secret"], hashes_of(container))


def test_rotation_ends_when_the_old_secret_is_dropped(api: Any, container: Container) -> None:
    made = api.made("clients", **api.a_client())
    issued = api.post(f"clients/{made['id']}/rotate-secret/").get_json()
    old, new = issued["secrets"]

    assert api.delete(f"clients/{made['id']}/secrets/{old['id']}/").status_code == 204
    assert matches_hash(issued["client_secret"], hashes_of(container))
    assert not matches_hash(made["client_secret"], hashes_of(container))
    assert api.delete(f"clients/{made['id']}/secrets/{old['id']}/").status_code == 404
    assert api.delete(f"clients/{made['id']}/secrets/{new['id']}/").status_code == 409


def test_every_change_counts_the_routing_version_up(api: Any, container: Container) -> None:
    def version() -> int:
        with container.database.reading() as session:
            return current_version(session)

    seen = [version()]
    made = api.made("clients", **api.a_client())
    seen.append(version())
    api.patch(f"clients/{made['id']}/", {"roles": ["lab"]})
    seen.append(version())
    api.post(f"clients/{made['id']}/rotate-secret/")
    seen.append(version())
    api.delete(f"clients/{made['id']}/")
    seen.append(version())

    assert seen == sorted(set(seen))


def test_deleted_client_is_gone_with_its_secrets(api: Any) -> None:
    made = api.made("clients", **api.a_client())

    assert api.delete(f"clients/{made['id']}/").status_code == 204
    assert api.get(f"clients/{made['id']}/").status_code == 404
    assert api.delete(f"clients/{made['id']}/").status_code == 404
    assert api.patch(f"clients/{made['id']}/", {}).status_code == 404
    api.made("clients", **api.a_client())


def test_a_chosen_secret_is_kept_as_a_slow_hash_and_never_shown(
    api: Any, container: Container
) -> None:
    made = api.made("clients", **api.a_client(client_secret="the old one"))
    assert made["client_secret"] is None
    with container.database.reading() as session:
        stored = session.scalars(select(ClientSecret.secret_hash)).one()
    assert stored.startswith("scrypt:")
    assert container.secrets.check("clinic", "the old one", [stored])
    everything = api.get(f"clients/{made['id']}/").get_data(as_text=True)
    assert "the old one" not in everything
    rotated = api.post(f"clients/{made['id']}/rotate-secret/", {"client_secret": "another"})
    assert (rotated.status_code, rotated.get_json()["client_secret"]) == (200, None)
    assert len(rotated.get_json()["secrets"]) == 2
    refused = api.patch(f"clients/{made['id']}/", {"client_secret": "x"})
    assert refused.status_code == 422
