"""A save over a newer one is rejected: 409 with both texts in the console, 412 over the API."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

HOME = "/admin/notification/"
EVENT = {"module": "LICENCE", "when_unknown": "hold", "is_active": "true"}
PERSON = {"actor_type": "TEACHER", "user_id": "17"}

Console = Callable[[str], FlaskClient]


def revision_on(page: str) -> str:
    found = re.search(r'name="revision" value="(\d+)"', page)
    assert found
    return found[1]


@pytest.fixture
def rule(catalogue: Any) -> dict[str, Any]:
    """A rule."""
    given = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL", "priority": "HIGH"}
    made: dict[str, Any] = catalogue.post("rules/", {**given, "channels": ["SMS"]}).get_json()
    return made["data"]  # type: ignore[no-any-return]


@pytest.fixture
def catalogue(api_with: Callable[[str], Any]) -> Any:
    """The API as administrators of the catalogue have it."""
    return api_with("notification:admin notification:read")


def test_stale_event_is_shown_beside_theirs_and_saved_over_it(
    console: Console, csrf: dict[str, str], catalogue: Any
) -> None:
    admin, path = console("admin"), f"{HOME}events/LICENCE_ISSUED/"
    mine = {**csrf, **EVENT, "description": "mine", "revision": revision_on(admin.get(path).text)}
    assert catalogue.patch("events/LICENCE_ISSUED/", {"description": "theirs"}).status_code == 200

    stale = admin.post(path, data=mine)

    assert stale.status_code == 409
    assert "<td>mine</td><td>theirs</td>" in stale.text
    again = admin.post(path, data={**mine, "revision": revision_on(stale.text)})
    assert again.status_code == 303
    assert catalogue.get("events/LICENCE_ISSUED/").get_json()["data"]["description"] == "mine"


def test_stale_rule_is_rejected_though_only_its_channels_were_changed(
    console: Console, csrf: dict[str, str], catalogue: Any, rule: dict[str, Any]
) -> None:
    admin, path = console("admin"), f"{HOME}rules/{rule['id']}/"
    mine = {**csrf, "recipient_policy": "ALL", "priority": "HIGH", "channels": ["EMAIL"]}
    mine["revision"] = revision_on(admin.get(path).text)
    changed = catalogue.patch(f"rules/{rule['id']}/", {"channels": ["SMS", "IN_APP"]})
    assert changed.headers["ETag"] != rule["etag"]

    stale = admin.post(path, data=mine)

    assert stale.status_code == 409
    assert "<td>EMAIL</td><td>SMS\nIN_APP</td>" in stale.text


def test_stale_preference_is_rejected(console: Console, csrf: dict[str, str]) -> None:
    operator = console("operator")
    clocks = {"quiet_from": "", "quiet_until": "", "time_zone": "UTC"}
    preferences = {**csrf, **PERSON, **clocks, "preferred_lang": "sw"}
    assert operator.post(f"{HOME}preferences/", data=preferences).status_code == 303
    page = f"{HOME}preferences/?actor_type=TEACHER&user_id=17"
    mine = {**preferences, "preferred_lang": "fr", "revision": revision_on(operator.get(page).text)}
    theirs = {**preferences, "preferred_lang": "en"}
    assert operator.post(f"{HOME}preferences/", data=theirs).status_code == 303

    stale = operator.post(f"{HOME}preferences/", data=mine)

    assert stale.status_code == 409
    assert "<td>fr</td><td>en</td>" in stale.text


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("events/LICENCE_ISSUED/", {"description": "new"}),
        ("rules/{rule}/", {"priority": "LOW"}),
        ("templates/{template}/", {"is_active": False}),
        ("lookups/actor_types/TEACHER/", {"name": "new"}),
    ],
)
def test_stale_change_over_the_api_is_rejected(
    catalogue: Any, rule: dict[str, Any], path: str, change: dict[str, Any]
) -> None:
    words = {"event_code": "LICENCE_ISSUED", "channel": "SMS", "language": "en", "body": "One"}
    template = catalogue.post("templates/", words).get_json()["data"]["id"]
    path = path.format(rule=rule["id"], template=template)
    if path.startswith("lookups"):
        types = catalogue.get("lookups/").get_json()["actor_types"]
        (tag,) = [one["etag"] for one in types if one["code"] == "TEACHER"]
    else:
        tag = catalogue.get(path).headers["ETag"]

    first, second = (
        catalogue.ask("PATCH", path, change, headers={"If-Match": tag}) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["ETag"] != tag
