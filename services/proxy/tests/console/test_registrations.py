"""Registrations in the console: made, changed, switched off."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.models import Channel

LIST = "/admin/mediator/registrations/"
NEW = f"{LIST}new/"
GIVEN = {"organization": "Clinic", "channel_id": "", "api_code": "A1", "push_code": ""}


@pytest.fixture
def registration(api: Any) -> dict[str, Any]:
    """A registration for all channels."""
    made: dict[str, Any] = api.made("registrations", organization="clinic", api_code="A1")
    return made


def test_registration_is_made_changed_and_switched_off(
    admin: Any, api: Any, channel: dict[str, Any]
) -> None:
    assert admin.act(NEW, **GIVEN).status_code == 303
    (made,) = api.get("registrations/").get_json()["data"]
    assert (made["channel_id"], made["api_code"], made["is_active"]) == (None, "A1", True)
    path = f"{LIST}{made['id']}/"
    assert 'value="Clinic"' in admin.get(path).text

    changes = {"channel_id": channel["id"], "push_code": "P1"}
    assert admin.act(path, **{**GIVEN, **changes}).status_code == 303
    assert admin.act(f"{path}deactivate/").status_code == 303

    (now,) = api.get("registrations/").get_json()["data"]
    assert (now["channel_id"], now["push_code"], now["is_active"]) == (channel["id"], "P1", False)
    assert "Patients" in admin.get(LIST).text


def test_registration_keeps_a_channel_that_many_others_precede(
    admin: Any, api: Any, container: Any, channel: dict[str, Any]
) -> None:
    mediator_id = uuid.UUID(channel["mediator_id"])
    with container.database.writing() as session:
        session.add_all(
            Channel(name=f"A {number}", path_pattern=f"/a/{number}", mediator_id=mediator_id)
            for number in range(600)
        )
    made = api.made("registrations", organization="lab", api_code="A1", channel_id=channel["id"])

    page = admin.get(f"{LIST}{made['id']}/").text
    assert re.search(rf'<option value="{channel["id"]}"\s+selected', page)
    assert channel["name"] in admin.get(LIST).text


def test_registration_names_its_clients_and_warns_where_it_is_for_all(
    admin: Any, api: Any, registration: dict[str, Any]
) -> None:
    path = f"{LIST}{registration['id']}/"
    assert "nobody" in admin.get(LIST).text

    assert admin.act(path, **GIVEN, allow="clinic\r\nnurses\r\n").status_code == 303
    assert api.get(f"registrations/{registration['id']}/").get_json()["allow"] == [
        "clinic",
        "nurses",
    ]
    assert "clinic, nurses" in admin.get(LIST).text
    assert "clinic\nnurses</textarea>" in admin.get(path).text

    assert admin.act(path, **GIVEN, every_client="true").status_code == 303
    assert api.get(f"registrations/{registration['id']}/").get_json()["allow"] is None
    assert "every client" in admin.get(LIST).text
    assert re.search(r'name="every_client" value="true" checked', admin.get(path).text)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"organization": " "}, "organization"),
        ({"organization": "CLINIC"}, "organization"),
        ({"api_code": "", "organization": "Lab"}, "api_code"),
        ({"channel_id": "x", "organization": "Lab"}, "channel_id"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field(
    admin: Any, api: Any, registration: dict[str, Any], changes: dict[str, str], field: str
) -> None:
    page = admin.act(NEW, **{**GIVEN, **changes})

    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert api.get("registrations/").get_json()["data"] == [registration]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_read_and_change_nothing_even_by_a_forged_form(
    signed_in_as: Callable[[str], Any], api: Any, registration: dict[str, Any], role: str
) -> None:
    reader = signed_in_as(role)
    assert "clinic" in reader.get(LIST).text

    for path in ("new/", f"{registration['id']}/", f"{registration['id']}/deactivate/"):
        answer = reader.act(f"{LIST}{path}", **{**GIVEN, "organization": "Lab"})
        assert answer.status_code == 403

    assert api.get("registrations/").get_json()["data"] == [registration]


def test_form_without_its_token_is_refused(admin: Any, api: Any) -> None:
    assert admin.post(NEW, **GIVEN).status_code == 403
    assert api.get("registrations/").get_json()["count"] == 0
