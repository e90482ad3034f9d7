"""The live list in a browser, over two web processes of the proxy."""

import pytest
from browsers import staff_page
from console import staff_of
from playwright.sync_api import expect
from systems import MOSTLY_PRODUCTION

LIST = "/admin/mediator/transactions/"

pytestmark = pytest.mark.parametrize("hub", MOSTLY_PRODUCTION, indirect=True)


@pytest.fixture
def member(hub):
    return staff_of(hub, "operator")


@pytest.fixture
def watched(hub, window, member, base):
    """The list of this test's own calls, open and live."""
    with staff_page(hub, window, member) as watched:
        watched.page.goto(f"{hub.url}{LIST}?path={base}")
        expect(watched.page.get_by_text("Live", exact=True)).to_be_visible()
        yield watched


def test_calls_appear_by_themselves_and_only_those_that_are_meant(hub, watched, base):
    page = watched.page
    expect(page.get_by_role("row")).to_have_count(0)

    hub.call("GET", f"{base}/first")
    expect(page.get_by_role("link", name=f"GET {base}/first")).to_be_visible()
    hub.call("GET", f"/t/another{base}")
    for number in range(4):
        hub.call("POST", f"{base}/{number}", json={})

    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#rows tr").first).to_contain_text(f"{base}/3")
    expect(page.locator("#rows").get_by_text("successful")).to_have_count(5)
    assert watched.problems == []


def test_nothing_changes_while_paused_and_nothing_is_missed_afterwards(hub, watched, base):
    page = watched.page
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    hub.call("GET", f"{base}/paused")
    # A page that is not paused shows it, so this one could.
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("link", name=f"GET {base}/paused")).to_be_visible()
    other.close()
    expect(page.locator("#rows tr")).to_have_count(0)

    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("link", name=f"GET {base}/paused")).to_be_visible()
    assert watched.problems == []


def test_list_of_who_is_let_go_leads_to_the_log_in(hub, watched, member):
    hub.api("PATCH", f"staff/{member[0]}/", 200, json={"is_active": False})

    watched.page.wait_for_url(f"{hub.url}/admin/login/**", timeout=15_000)


def test_filtered_calls_are_made_again_with_progress(hub, watched, base):
    page = watched.page
    for number in range(3):
        hub.call("GET", f"{base}/{number}")
    page.reload()

    page.get_by_role("link", name="Make these calls again").click()
    page.get_by_role("button", name="Make them again").click()

    expect(page.get_by_text("3 of 3 calls")).to_be_visible(timeout=30_000)
    page.reload()
    expect(page.locator("main tbody tr")).to_have_count(3)
    page.locator("main tbody tr td:nth-child(3) a").first.click()
    expect(page.get_by_text("This call repeats")).to_be_visible()
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()
