"""Staff over the API: passwords only go in, one administrator always stays."""

from typing import Any

import pytest
from proxy.access.secrets import matches_hash
from proxy.container import Container
from proxy.models import StaffUser
from sqlalchemy import select


def hash_of(container: Container) -> str:
    with container.database.reading() as session:
        return session.scalars(select(StaffUser.password_hash)).one()


def test_password_is_kept_as_a_hash_and_never_answered(api: Any, container: Container) -> None:
    body = api.a_member()
    made = api.made("staff", **body)

    assert matches_hash(body["password"], [hash_of(container)])
    read = api.get(f"staff/{made['id']}/")
    assert "password" not in read.get_data(as_text=True)
    assert read.get_json()["role"] == "viewer"


def test_changed_password_counts_at_once(api: Any, container: Container) -> None:
    made = api.made("staff", **api.a_member())

    api.patch(f"staff/{made['id']}/", {"password": "another long one"})

    assert matches_hash("another long one", [hash_of(container)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "eleven char"),
        ("password", "x" * 257),
        ("password", None),
        ("username", "x" * 151),
        ("email", "nobody"),
        ("email", "a@b\n"),
        ("role", "root"),
        ("last_login_at", "2026-01-01T00:00:00Z"),
    ],
)
def test_bad_field_is_refused_by_name(api: Any, field: str, value: object) -> None:
    answer = api.post("staff/", api.a_member(**{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert str(value) not in answer.get_data(as_text=True) or field != "password"


def test_taken_username_is_a_conflict_that_names_the_field(api: Any) -> None:
    api.made("staff", **api.a_member())

    assert list(api.post("staff/", api.a_member()).get_json()["errors"]) == ["username"]


@pytest.mark.parametrize("change", [{"role": "operator"}, {"is_active": False}, None])
def test_last_active_administrator_stays(api: Any, change: dict[str, Any] | None) -> None:
    first = api.made("staff", **api.a_member(role="admin"))
    api.made("staff", **api.a_member(username="left", role="admin", is_active=False))
    path = f"staff/{first['id']}/"

    def leave() -> int:
        status: int = (api.patch(path, change) if change else api.delete(path)).status_code
        return status

    assert leave() == 409
    assert api.get(path).get_json()["data"] == first
    api.made("staff", **api.a_member(username="second", role="admin"))
    assert leave() in {200, 204}


def test_administrator_may_change_their_own_other_fields(api: Any) -> None:
    only = api.made("staff", **api.a_member(role="admin"))

    assert api.patch(f"staff/{only['id']}/", {"email": "amina@example.org"}).status_code == 200
