"""Staff in the console: let in, changed, switched off; the last administrator stays."""

from collections.abc import Callable
from typing import Any

import pytest

LIST = "/admin/mediator/staff/"
NEW = f"{LIST}new/"
SECRET = "a password that is long"
GIVEN = {"username": "baraka", "email": "b@hub.example", "role": "viewer", "password": SECRET}


def by_name(api: Any, name: str) -> dict[str, Any]:
    """A member of staff."""
    found = {one["username"]: one for one in api.get("staff/").get_json()["data"]}
    member: dict[str, Any] = found[name]
    return member


def test_member_is_let_in_and_can_sign_in(admin: Any, api: Any, app: Any, container: Any) -> None:
    assert admin.act(NEW, **GIVEN).status_code == 303

    assert by_name(api, "baraka")["role"] == "viewer"
    theirs = type(admin)(app.test_client(), container)
    assert theirs.sign_in(SECRET, username="baraka").status_code == 303


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "amina"}, "username"),
        ({"email": "nobody"}, "email"),
        ({"role": "root"}, "role"),
        ({"password": "short"}, "password"),
        ({"password": ""}, "password"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field_and_the_password_is_not(
    admin: Any, api: Any, changes: dict[str, str], field: str
) -> None:
    page = admin.act(NEW, **{**GIVEN, **changes})

    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert SECRET not in page.text
    assert api.get("staff/").get_json()["count"] == 1


def test_change_without_a_password_keeps_the_old_one(
    admin: Any, api: Any, app: Any, container: Any
) -> None:
    admin.act(NEW, **GIVEN)
    path = f"{LIST}{by_name(api, 'baraka')['id']}/"

    assert admin.act(path, **{**GIVEN, "role": "operator", "password": ""}).status_code == 303

    assert by_name(api, "baraka")["role"] == "operator"
    theirs = type(admin)(app.test_client(), container)
    assert theirs.sign_in(SECRET, username="baraka").status_code == 303


def test_member_is_switched_off(admin: Any, api: Any) -> None:
    admin.act(NEW, **GIVEN)

    admin.act(f"{LIST}{by_name(api, 'baraka')['id']}/deactivate/")

    assert by_name(api, "baraka")["is_active"] is False


def test_last_administrator_stays(admin: Any, api: Any) -> None:
    path = f"{LIST}{by_name(api, 'amina')['id']}/"

    page = admin.act(path, username="amina", email="", role="viewer", password="")

    assert page.status_code == 422
    assert 'id="role-error">The last active administrator' in page.text
    assert admin.act(f"{path}deactivate/").status_code == 303
    assert "The last active administrator" in admin.get(LIST).text
    assert by_name(api, "amina")["is_active"] is True


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_see_and_change_nothing_even_by_a_forged_form(
    signed_in_as: Callable[[str], Any], api: Any, role: str
) -> None:
    reader = signed_in_as(role)
    own = f"{LIST}{by_name(api, 'amina')['id']}/"

    assert [reader.get(path).status_code for path in (LIST, NEW, own)] == [403, 403, 403]
    for path in (NEW, own, f"{own}deactivate/"):
        assert reader.act(path, **{**GIVEN, "role": "admin"}).status_code == 403

    assert by_name(api, "amina")["role"] == role
    assert api.get("staff/").get_json()["count"] == 1


def test_form_without_its_token_is_refused(admin: Any, api: Any) -> None:
    assert admin.post(NEW, **GIVEN).status_code == 403
    assert api.get("staff/").get_json()["count"] == 1
