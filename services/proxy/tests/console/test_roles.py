"""Roles that administrators make: their rights, and the channels whose calls they reach."""

import json
from itertools import pairwise
from typing import Any

import pytest
from common.console.rights import BUILT_IN, Right, StaffRole
from common.console.staff import read_pass
from common.web.tokens import TokenVerifier
from proxy.access.roles import is_demanding
from proxy.access.scopes import SCOPES, excess, scopes_of
from proxy.models import CustomRole, RerunTask, StaffUser

BASE = "/admin/mediator"
SECRET = "a password that is long"
READS = ["gateway:observe", "gateway:bodies", "gateway:rerun"]
ACCOUNT = "/admin/account/"


def act(browser: Any, path: str, **form: Any) -> Any:
    """A form that is sent by somebody who may not see the first page."""
    return browser.post(path, csrf_token=browser.form_token(ACCOUNT), **form)


def test_administrator_holds_every_scope_and_roles_grow() -> None:
    assert excess(SCOPES, scopes_of(Right)) == []
    ranks = [BUILT_IN[one] for one in StaffRole]
    assert all(lower < higher for lower, higher in pairwise(ranks))
    assert Right.GATEWAY_BODIES not in ranks[0]


def test_role_opens_what_its_rights_say_and_nothing_else(member_with: Any) -> None:
    theirs = member_with(["gateway:clients", "notification:read"])
    assert theirs.get(f"{BASE}/clients/new/").status_code == 200
    for path in ("transactions/", "clients/", "channels/new/", "staff/", "roles/", "tester/"):
        assert theirs.get(f"{BASE}/{path}").status_code == 403
    assert theirs.get(ACCOUNT).status_code == 200
    assert theirs.get("/admin/").status_code == 302  # to what they may open


def test_rights_travel_to_the_other_services(member_with: Any, container: Any) -> None:
    answer = member_with(["notification:read"]).get("/admin/session/")
    staff = read_pass(TokenVerifier(container.signer), answer.headers["X-Kiungo-Staff"])
    assert (staff.role, staff.held) == ("clinic-staff", {Right.NOTIFICATION_READ})


def test_calls_of_other_channels_do_not_exist(
    member_with: Any, mine: dict[str, Any], calls: tuple[str, str]
) -> None:
    theirs = member_with(READS, view_channels=[mine["id"]])
    own, other = calls
    for page in (f"{BASE}/transactions/", f"{BASE}/transactions/?format=csv", "/admin/"):
        shown = theirs.get(page).text
        assert own in shown or mine["name"] in shown
        assert other not in shown
        assert "Other" not in shown
    assert f'id="call-{other}"' not in theirs.get(f"{BASE}/transactions/?q={other}").text
    assert "patient Asha" in theirs.get(f"{BASE}/transactions/{own}/").text
    assert theirs.get(f"{BASE}/transactions/{other}/").status_code == 404
    for form in ("rerun", "open"):
        path = f"{BASE}/transactions/{other}/{form}/"
        assert act(theirs, path, reason="why").status_code == 404
    assert theirs.get(f"{BASE}/rejections/").status_code == 403
    assert theirs.get(f"{BASE}/report/").status_code == 200


def test_bodies_and_reruns_are_limited_by_themselves(
    member_with: Any, mine: dict[str, Any], calls: tuple[str, str]
) -> None:
    theirs = member_with(READS, body_channels=[], rerun_channels=[mine["id"]])
    own, other = calls
    assert "patient Asha" not in theirs.get(f"{BASE}/transactions/{own}/").text
    assert act(theirs, f"{BASE}/transactions/{own}/open/", reason="why").status_code == 403
    assert act(theirs, f"{BASE}/transactions/{other}/rerun/").status_code == 403
    assert act(theirs, f"{BASE}/transactions/{own}/rerun/").status_code == 303


def test_tasks_are_of_ones_own_and_of_the_channels_that_are_reached(
    member_with: Any, mine: dict[str, Any], calls: tuple[str, str], api: Any, container: Any
) -> None:
    others = api.made("tasks", filter={"status": "failed"})
    theirs = member_with(READS, rerun_channels=[mine["id"]])
    assert act(theirs, f"{BASE}/transactions/rerun/").status_code == 422  # no filter: every call
    made = act(theirs, f"{BASE}/transactions/rerun/", status="failed", batch_size="50")
    assert theirs.get(made.location).status_code == 200
    assert theirs.get(f"{BASE}/tasks/{others['id']}/").status_code == 404
    assert act(theirs, f"{BASE}/tasks/{others['id']}/cancel/").status_code == 404
    assert theirs.get(f"{BASE}/tasks/").text.count('<tr id="task-') == 1
    with container.database.reading() as session:
        found = session.query(RerunTask).filter_by(made_by="baraka").one()
    assert found.filter == {"status": "failed", "channels": [mine["name"]]}


def test_live_feed_ends_when_the_role_is_narrowed(
    member_with: Any, mine: dict[str, Any], api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.record.live_feed.LOOK_EVERY_S", 0.05)
    theirs = member_with(READS)
    stream = theirs.get(
        f"{BASE}/transactions/live/", headers={"Accept": "text/event-stream"}
    ).response
    assert b"welcome" in next(iter(stream))
    role = api.get("roles/").get_json()["data"][0]
    api.patch(f"roles/{role['id']}/", {"view_channels": [mine["id"]]})
    assert any(b"event: over" in one for one in stream)


def test_change_counts_with_the_next_request_and_use_keeps_the_role(
    member_with: Any, api: Any, admin: Any
) -> None:
    theirs = member_with(["gateway:observe"])
    role = api.get("roles/").get_json()["data"][0]
    path = f"{BASE}/roles/{role['id']}/"
    assert theirs.get(f"{BASE}/channels/").status_code == 200
    assert 'value="gateway:observe" checked' in admin.get(path).text
    form = {"name": "clinic-staff", "rights": "policy:read", "every_view": "true"}
    assert admin.act(path, **form).status_code == 303
    assert theirs.get(f"{BASE}/channels/").status_code == 403
    assert admin.act(f"{path}delete/").status_code == 303
    assert api.get(f"roles/{role['id']}/").status_code == 200


def test_channel_that_is_made_again_does_not_come_back(
    member_with: Any, mine: dict[str, Any], calls: tuple[str, str], api: Any, mediator: Any
) -> None:
    theirs = member_with(READS, view_channels=[mine["id"]])
    assert theirs.get(f"{BASE}/transactions/{calls[0]}/").status_code == 200
    api.delete(f"channels/{mine['id']}/")
    api.made("channels", **api.a_channel(mediator))
    assert theirs.get(f"{BASE}/transactions/{calls[0]}/").status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "admin"}, "name"),
        ({"name": "Not so"}, "name"),
        ({"rights": ["gateway:everything"]}, "rights"),
        ({"rights": ["gateway:operate"], "view_channels": []}, "rights"),
        ({"view_channels": ["0" * 32]}, "view_channels"),
    ],
)
def test_role_that_cannot_be(api: Any, given: dict[str, Any], field: str) -> None:
    answer = api.post("roles/", {"name": "clerks", "rights": ["gateway:observe"], **given})
    assert answer.status_code == 422
    assert field in json.dumps(answer.get_json()["errors"])


def test_nobody_gives_what_they_do_not_hold(member_with: Any, api: Any, admin: Any) -> None:
    theirs = member_with(["gateway:staff", "gateway:clients", "gateway:observe"])
    boss = api.get("staff/").get_json()["data"]
    head = next(one["id"] for one in boss if one["role"] == "admin")
    page = act(theirs, f"{BASE}/roles/new/", name="more", rights="gateway:audit")
    assert (page.status_code, "do not hold" in page.text) == (422, True)
    assert (
        act(theirs, f"{BASE}/roles/new/", name="less", rights="gateway:observe").status_code == 303
    )
    new = {"username": "juma", "email": "", "password": SECRET}
    page = act(theirs, f"{BASE}/staff/new/", **new, role="viewer")
    assert (page.status_code, 'id="role-error"' in page.text) == (422, True)
    assert act(theirs, f"{BASE}/staff/new/", **new, role="less").status_code == 303
    changed = {"username": "amina", "email": "", "role": "less", "password": "another long one 77"}
    assert act(theirs, f"{BASE}/staff/{head}/", **changed).status_code == 422
    assert act(theirs, f"{BASE}/staff/{head}/second-factor/reset/").status_code == 403
    assert act(theirs, f"{BASE}/staff/{head}/deactivate/").status_code == 403
    wide = {"name": "Wide", "client_id": "wide", "scopes": "proxy:admin"}
    assert act(theirs, f"{BASE}/clients/new/", **wide).status_code == 403
    assert api.get("clients/").get_json()["data"] == []
    assert [one["role"] for one in api.get("staff/").get_json()["data"]].count("admin") == 1


def test_program_gives_the_rights_whose_scopes_it_holds(api_with: Any) -> None:
    theirs = api_with("proxy:staff proxy:transactions")
    role = {"name": "clerks", "rights": ["gateway:observe"]}
    assert theirs.post("roles/", role).status_code == 201
    assert (
        theirs.post("roles/", {**role, "name": "b", "rights": ["gateway:bodies"]}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("rights", "demanding", "asked"),
    [
        (["gateway:staff"], {"admin"}, True),
        (["gateway:observe"], {"admin"}, False),
        (["gateway:rerun"], {"admin"}, False),
        (["gateway:observe"], {"clinic-staff"}, True),
        (["gateway:observe"], set(StaffRole), True),
        (["gateway:staff"], set(), False),
    ],
)
def test_second_factor_is_asked_of_roles_as_wide_as_those_it_is_demanded_of(
    rights: list[str], demanding: set[str], asked: bool
) -> None:
    role = CustomRole(name="clinic-staff", rights=rights)
    member = StaffUser(role=StaffRole.OBSERVER, custom_role=role)
    assert is_demanding(member, demanding) is asked
