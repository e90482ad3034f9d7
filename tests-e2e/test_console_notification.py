"""An event from its first rule to a person's message, in a browser."""

import re
from pathlib import Path

import pytest
from browsers import staff_page
from console import staff_of
from hub import unique
from messages import emit
from playwright.sync_api import expect

HOME = "/admin/notification/"
OUTPUT = Path(__file__).parents[1] / "test-output" / "console" / "notification"
WIDTHS = [1280, 390]

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@pytest.fixture
def watched(hub, window):
    """An admin's browser at notification's first page."""
    with staff_page(hub, window, staff_of(hub, "admin")) as watched:
        watched.page.goto(f"{hub.url}{HOME}")
        yield watched


def test_event_is_set_up_and_a_message_followed_to_its_end(hub, watched):
    page, event = watched.page, unique("EVENT")
    set_up(hub, page, event)
    (message,) = emit(hub, event, {"name": "Asha"})

    page.goto(f"{hub.url}{HOME}outbox/{message}/")
    expect(page.get_by_text("Habari Asha")).to_be_visible()
    reload_until(page, re.compile("DELIVERED"))
    kept(page, "message")
    page.get_by_role("link", name="Why?").click()
    expect(page.get_by_text("would be queued")).to_be_visible()
    kept(page, "why")
    page.goto(f"{hub.url}{HOME}inbox/?user_id=u1")
    expect(page.get_by_text("Habari Asha")).to_be_visible()
    kept(page, "inbox")
    page.goto(f"{hub.url}{HOME}outbox/?event_code={event}")
    expect(page.locator("#rows tr")).to_have_count(1)
    kept(page, "outbox")

    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()


def set_up(hub, page, event):
    """Add an event, a rule over in-app messages, and words that are seen while they are typed."""
    page.goto(f"{hub.url}{HOME}events/new/")
    page.get_by_label("Code").fill(event)
    page.get_by_role("button", name="Add the event").click()
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Who").select_option("ALL")
    page.get_by_label("In-app message").check()
    page.get_by_role("button", name="Make the rule").click()

    page.goto(f"{hub.url}{HOME}templates/new/?event_code={event}")
    page.get_by_role("textbox", name="Language").fill("en")
    page.get_by_label("Context of the preview").fill('{"name": "Juma"}')
    page.get_by_label("Words", exact=True).fill("Habari {name} {other} ā")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Habari Juma {other} ā")
    expect(preview).to_contain_text("missing other")
    expect(preview).to_contain_text("UCS-2, 1 segment; because of ā")
    kept(page, "writing")
    page.get_by_label("Channel").select_option("IN_APP")
    expect(preview).not_to_contain_text("UCS-2")
    page.get_by_label("Words", exact=True).fill("Habari {name}")
    expect(preview).not_to_contain_text("missing")
    page.get_by_role("button", name="Store the words").click()
    expect(page.get_by_text("Version 1 is stored.")).to_be_visible()


def reload_until(page, text):
    """A worker sends what is queued; the page is loaded anew until it tells."""
    for _ in range(60):
        if page.get_by_role("heading", name=text).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(page.locator("main").inner_text())


def kept(page, name):
    """A screenshot at each width, where nothing is wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        page.screenshot(path=OUTPUT / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
