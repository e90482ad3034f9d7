"""Callback routes in the console: seen by all, changed by admins."""

import re

import pytest

ROUTES = "/admin/esb/routes/"
GIVEN = {"name": "lab", "target_kind": "http", "target": "https://lab.example/take"}


def stored(api):
    return {one["name"]: one for one in api.ask("GET", "routes/").get_json()["data"]}


def test_empty_list_says_what_to_do(console):
    page = console("viewer").get(ROUTES).text

    assert "The bus is refused until a route exists" in page
    assert f"{ROUTES}new/" not in page


def test_admin_opens_a_route(console, csrf, api):
    admin = console("admin")
    assert '<form method="post" class="card">' in admin.get(f"{ROUTES}new/").text

    answer = admin.post(f"{ROUTES}new/", data={**GIVEN, "is_async": "true", **csrf})

    made = stored(api)["lab"]
    assert answer.headers["Location"] == f"{ROUTES}{made['id']}/"
    assert (made["organization"], made["is_async"], made["is_repeatable"]) == (None, True, False)
    page = console("viewer").get(answer.headers["Location"]).text
    assert "/api/esb/inbound/lab" in page
    assert "Deactivate" not in page


def test_list_is_filtered_and_downloaded(console, api):
    api.route(name="a", target="https://a.example", organization="MoH")
    api.route(name="b", target="https://b.example")
    viewer = console("viewer")

    assert ">a</a>" in viewer.get(f"{ROUTES}?organization=MoH").text
    assert ">b</a>" not in viewer.get(f"{ROUTES}?organization=MoH").text
    assert "https://b.example" in viewer.get(f"{ROUTES}?is_active=true&format=csv").text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "With space"}, "Must be lower-case letters"),
        ({"target": "not an address"}, "an address is like https://host/path"),
        ({"target": ""}, "Must not be blank"),
        ({"target_kind": "fax"}, "Must be one of"),
        ({"name": "taken"}, "Taken by another record."),
    ],
)
def test_form_that_is_refused_says_why_and_keeps_what_was_typed(console, csrf, api, change, reason):
    api.route(name="taken", target="https://a.example")

    typed = {**GIVEN, "description": "the laboratory", **change}
    page = console("admin").post(f"{ROUTES}new/", data={**typed, **csrf})

    assert page.status_code == 422
    assert reason in page.text
    assert "the laboratory" in page.text
    assert list(stored(api)) == ["taken"]


def test_admin_changes_a_route(console, csrf, api):
    path = f"{ROUTES}{api.route(**GIVEN, organization='MoH', is_repeatable=True)['id']}/edit/"
    admin = console("admin")
    shown = admin.get(path).text
    assert 'value="https://lab.example/take"' in shown
    assert 'name="is_repeatable" value="true" checked' in shown

    admin.post(path, data={**GIVEN, "target": "https://new.example", "organization": "", **csrf})

    changed = stored(api)["lab"]
    assert (changed["target"], changed["organization"]) == ("https://new.example", None)
    assert (changed["is_repeatable"], changed["is_active"]) == (False, True)


def test_refused_change_leaves_the_route_as_it_is(console, csrf, api):
    path = f"{ROUTES}{api.route(**GIVEN)['id']}/edit/"

    page = console("admin").post(path, data={**GIVEN, "target_kind": "proxy", **csrf})

    assert page.status_code == 422
    assert stored(api)["lab"]["target_kind"] == "http"


def test_admin_closes_a_route_and_opens_it_again(console, csrf, api):
    path = f"{ROUTES}{api.route(**GIVEN)['id']}/"
    admin = console("admin")

    admin.post(f"{path}deactivate/", data=csrf)
    assert stored(api)["lab"]["is_active"] is False
    assert "Calls of this route are refused now." in admin.get(path).text

    admin.post(f"{path}activate/", data=csrf)
    assert stored(api)["lab"]["is_active"] is True


@pytest.mark.parametrize(("role", "with_token"), [("operator", True), ("admin", False)])
def test_changes_need_an_admin_and_the_forms_token(console, csrf, api, role, with_token):
    path = f"{ROUTES}{api.route(**GIVEN)['id']}/"
    form = {**GIVEN, "target": "https://evil.example", **(csrf if with_token else {})}
    browser = console(role)

    for act in (f"{ROUTES}new/", f"{path}edit/", f"{path}deactivate/"):
        assert browser.post(act, data=form).status_code == 403

    (route,) = stored(api).values()
    assert (route["target"], route["is_active"]) == (GIVEN["target"], True)


def test_forms_are_for_admins(console, api):
    path = f"{ROUTES}{api.route(**GIVEN)['id']}/edit/"

    assert console("operator").get(path).status_code == 403
    assert console("operator").get(f"{ROUTES}new/").status_code == 403


def test_stale_change_is_shown_beside_the_newer_one_and_may_be_saved_over_it(console, csrf, api):
    made = api.route(**GIVEN)
    path = f"{ROUTES}{made['id']}/edit/"
    mine = {**GIVEN, "description": "mine", "revision": made["etag"].strip('"'), **csrf}
    api.ask("PATCH", f"routes/{made['id']}/", json={"description": "theirs"})

    page = console("admin").post(path, data=mine)

    assert page.status_code == 409
    assert "<td>mine</td><td>theirs</td>" in page.text
    assert stored(api)["lab"]["description"] == "theirs"
    newer = re.search(r'name="revision" value="(\d+)"', page.text)[1]
    assert console("admin").post(path, data={**mine, "revision": newer}).status_code == 303
    assert stored(api)["lab"]["description"] == "mine"


def test_stale_change_over_the_api_is_rejected(api):
    made = api.route(**GIVEN)
    path, headers = f"routes/{made['id']}/", {"If-Match": made["etag"]}
    change = {"description": "new"}

    assert api.ask("PATCH", path, json=change, headers=headers).headers["ETag"] != made["etag"]
    assert api.ask("PATCH", path, json=change, headers=headers).status_code == 412
    assert api.ask("DELETE", path, headers=headers).status_code == 412
