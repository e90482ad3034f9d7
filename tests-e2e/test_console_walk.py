"""Every page that the menu offers, and what its lists lead to first, as each role.

`make faults` asks every rule in every shape, and keeps pictures: `test_contact_sheet.py`.
"""

import re

import pytest
from console import signed_in
from console_pages import ALL_SHAPES, SHAPES, VIOLATIONS
from messages import tried_out_campaign

ROLES = ["viewer", "operator", "admin"]
PICTURED = [f"{width}-{scheme}" for width, scheme in SHAPES]
#: What the page's width and its colours decide; the rest is the same document.
SEEN = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
RULES = {
    PICTURED[0]: VIOLATIONS,
    PICTURED[1]: {**VIOLATIONS, "runOnly": {"type": "rule", "values": SEEN}},
}

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.timeout(240)
def test_every_page_is_sound_for_every_role(something_to_see, walk_as, axe, role):
    walk = walk_as(role)
    found = {}

    for path in walk.pages():
        assert walk.page.locator("h1").count() == 1, path
        for shape in walk.in_each(ALL_SHAPES if role == "admin" else SHAPES[1:]):
            assert walk.fits(), f"{path} is wider than the window: {shape}"
            if role == "admin" and shape in RULES and axe.script:
                found[f"{path} {shape}"] = axe.issues(walk.page, RULES[shape])
        assert walk.watched.problems == [], path

    assert walk.watched.asked_elsewhere(walk.hub.url) == set()
    if role == "admin":  # who sees everything
        axe.or_skip()
        assert {at: issues for at, issues in found.items() if issues} == {}


@pytest.mark.timeout(240)
def test_a_campaigns_page_is_sound_wherever_it_stands(hub, walk_as, axe):
    walk = walk_as("admin")
    at = f"{hub.url}/admin/notification/campaigns/{tried_out_campaign(hub)}/"
    found = {}

    def look(state: str, address: str = at) -> None:
        walk.page.goto(address)
        walk.page.locator("h2#status, main tbody tr").filter(has_text=state).first.wait_for()
        for shape in walk.in_each(ALL_SHAPES):
            assert walk.fits(), f"{state} is wider than the window: {shape}"
            if axe.script and (issues := axe.issues(walk.page, VIOLATIONS)):
                found[f"{state} {shape}"] = issues

    walk.page.on("dialog", lambda dialog: dialog.accept())
    look("DRAFT")
    look("WAITING", f"{at}people/")
    for act, state in [("Approve", "RUNNING"), ("Pause", "PAUSED"), ("Stop", "STOPPED")]:
        walk.page.goto(at)
        walk.page.get_by_role("button", name=act, exact=True).click()
        look(state)

    assert walk.watched.problems == []
    axe.or_skip()
    assert found == {}


def test_axe_finds_what_is_put_there(walk_as, axe):
    axe.or_skip()
    walk = walk_as("admin")
    walk.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert "button-name" in str(axe.issues(walk.page, VIOLATIONS))


def test_every_page_of_the_menu_is_there(hub):
    with signed_in(hub, "admin") as session:
        home = session.get(f"{hub.url}/admin/", timeout=10).text
        paths = re.findall(r'<li><a href="([^"]+)"', home.partition('<nav id="menu"')[2])
        answers = {path: session.get(hub.url + path, timeout=10).status_code for path in paths}

    assert len(paths) > 10
    assert {path: code for path, code in answers.items() if code != 200} == {}
